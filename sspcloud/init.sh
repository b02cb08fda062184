#!/usr/bin/env bash
# What a launch link of the book runs when a Jupyter service of SSP Cloud starts:
#
#     curl THIS_SCRIPT | bash -s -- HOST/ORG/REPO TAG THEME/CHAPTER
#
# It fetches the book's notebooks at that release, installs what the chapter imports and the image
# lacks, and has Jupyter open the chapter. SSP Cloud runs it again at each start of the service, where
# ~/work alone is kept: what the learner wrote is never overwritten, the rest is done again.
#
# It never stops a service from starting (it always ends with 0): whatever fails ends in a page that
# says so, which Jupyter opens instead of the chapter. One case escapes it: where this very file is
# not found, curl passes the error page of the host to bash, and Jupyter starts with nothing open.
set -u
export LC_ALL=C.UTF-8 # [a-z] below means these letters alone

TEMPS_COPIE=${CAHIERS_TEMPS_COPIE:-120}               # seconds; the service is killed after some 600
TEMPS_INSTALLATION=${CAHIERS_TEMPS_INSTALLATION:-240} # seconds
PAGE_ERREUR=LISEZMOI-ERREUR.ipynb
DEBUT='# >>> cahiers du SSP Hub >>>'
FIN='# <<< cahiers du SSP Hub <<<'

TRAVAIL=${ROOT_PROJECT_DIRECTORY:-${WORKSPACE_DIR:-$HOME/work}} # the root of what Jupyter shows
MAISON=$HOME
[ "$(id -u)" = 0 ] && MAISON=$(dirname "$TRAVAIL") # older images ran this as root, for another user
JOURNAL=$TRAVAIL/.cahiers-ssphub.log

depot=${1:-}
etiquette=${2:-}
chapitre=${3:-}
dossier=cahiers-ssphub-$etiquette
notebook=$dossier/notebooks/$chapitre.ipynb

# --- What may fail: git, uv and pip say why in the log -------------------------------------------------

verifier_arguments() {
  [[ $# -eq 3 && $1 =~ ^[a-z][a-z0-9.-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*){2,}$ &&
    $2 =~ ^v[0-9]{4}\.[0-9]{2}(\.[0-9]+)?$ && $3 =~ ^[a-z][a-z0-9-]*/[a-z0-9][a-z0-9-]*$ ]]
}

# The clone gets its name once it is whole: an interrupted start leaves nothing that looks finished.
copier_notebooks() {
  local partiel=$TRAVAIL/.$dossier.partiel
  [ -f "$TRAVAIL/$notebook" ] && return
  rm -rf "$partiel"
  GIT_TERMINAL_PROMPT=0 timeout -k 5 "$TEMPS_COPIE" git -c advice.detachedHead=false clone --quiet \
    --depth 1 --branch "notebooks-$etiquette" "https://$depot" "$partiel" && ranger "$partiel"
  rm -rf "$partiel"
  [ -f "$TRAVAIL/$notebook" ]
}

ranger() { # CLONE
  [ -f "$1/notebooks/$chapitre.ipynb" ] || { echo "Pas de notebook $chapitre à cette version."; return 1; }
  rm -rf "$1/.git"
  if [ -d "$TRAVAIL/$dossier" ]; then # a file was moved or deleted: what is missing comes back
    tar -C "$1" -cf - . | tar -C "$TRAVAIL/$dossier" --skip-old-files -xf -
  else
    mv "$1" "$TRAVAIL/$dossier"
  fi
}

# The missing packages, after two files of constraints: what the image holds, which must not move, and
# that with the book's versions of what it lacks. Spark comes with the image, or not at all.
paquets_manquants() {
  python3 -P - "$TRAVAIL/$notebook" "$TRAVAIL/$dossier/requirements.txt" "$1" "$2" <<'PYTHON'
import importlib.metadata
import importlib.util
import json
import re
import sys
from pathlib import Path

notebook, pins, image, book = map(Path, sys.argv[1:])
needs = json.loads(notebook.read_text(encoding="utf-8"))["metadata"].get("cahiers", {}).get("paquets", {})
missing = [package for module, package in needs.items() if importlib.util.find_spec(module) is None]


def key(name):
    return re.sub(r"[-_.]+", "-", name).lower()


held = {}
for found in importlib.metadata.distributions():
    if found.name:
        held.setdefault(key(found.name), f"{found.name}=={found.version}")
lines = pins.read_text(encoding="utf-8").splitlines() if pins.is_file() else []
lacking = [line for line in lines if (name := re.match(r"[\w.-]+", line)) and key(name[0]) not in held]
image.write_text("\n".join(held.values()), encoding="utf-8")
book.write_text("\n".join([*held.values(), *lacking]), encoding="utf-8")
print(*(package for package in missing if key(package) != "pyspark"))
PYTHON
}

installer() { # FILE_OF_CONSTRAINTS PACKAGES…
  local contraintes=$1 commande=(python3 -m pip install --quiet)
  shift
  command -v uv >/dev/null && commande=(uv pip install --quiet --system)
  UV_LINK_MODE=copy timeout -k 5 "$TEMPS_INSTALLATION" "${commande[@]}" --constraint "$contraintes" -- "$@"
}

installer_manquants() {
  local temporaire paquets rendu
  temporaire=$(mktemp -d) || return
  read -r -a paquets < <(paquets_manquants "$temporaire/image" "$temporaire/livre")
  [ -f "$temporaire/livre" ] || return
  if [ "${#paquets[@]}" -gt 0 ]; then
    echo "Paquets absents de l’image : ${paquets[*]}"
    installer "$temporaire/livre" "${paquets[@]}" ||
      { echo "Les versions du livre ne conviennent pas à l’image : essai des versions qui lui conviennent."
        installer "$temporaire/image" "${paquets[@]}"; }
  fi
  rendu=$?
  rm -rf "$temporaire"
  return $rendu
}

# --- What Jupyter opens --------------------------------------------------------------------------------

ouvrir() { # PATH FROM THE ROOT OF JUPYTER; replaces the block of an earlier start
  local reglages=$MAISON/.jupyter/jupyter_server_config.py
  mkdir -p "$MAISON/.jupyter"
  touch "$reglages"
  sed -i "/^$DEBUT\$/,/^$FIN\$/d" "$reglages"
  [ -z "$(tail -c 1 "$reglages")" ] || echo >>"$reglages" # its last line had no end
  printf '%s\nc.LabApp.default_url = "/lab/tree/%s"\n%s\n' "$DEBUT" "$1" "$FIN" >>"$reglages"
}

avouer() { # WHAT HAPPENED; a notebook of one text cell, for Jupyter opens a .md as raw text
  echo "Échec : $1"
  python3 -P - "$1" "$JOURNAL" "$depot" "$etiquette" >"$TRAVAIL/$PAGE_ERREUR" <<'PYTHON'
import json
import re
import sys

reason, log, repository, tag = sys.argv[1:]
where = "le dépôt du livre"
if repository:
    where = f"le dépôt <https://{repository}>, à l’étiquette `notebooks-{tag}`"
with open(log, encoding="utf-8", errors="replace") as lines:
    end = "".join("    " + line for line in lines.readlines()[-25:])
text = f"""# Le chapitre n’a pas pu s’ouvrir

{reason}

Votre service JupyterLab fonctionne, et rien de ce qui se trouvait dans votre dossier n’a été modifié.

## Que faire ?

1. **Relancez** : suivez à nouveau le lien de la page du chapitre, qui démarre un nouveau service. Une panne passagère du réseau ne dure pas.
2. **Téléchargez** le notebook depuis la page du chapitre, puis glissez le fichier dans la colonne de gauche de JupyterLab.
3. **Travaillez sur votre poste** : les notebooks sont dans {where}. Le fichier `LISEZMOI.md` qui les accompagne dit comment les exécuter.
4. **Signalez la panne** aux auteurs, si elle persiste : suivez le lien « Signaler une erreur sur cette page », au bas du chapitre, et recopiez-y les lignes ci-dessous.

## Fin du journal

"""
text = re.sub(" ([:;?!»])", "\u00a0\\1", text).replace("« ", "«\u00a0") + end
cell = {"cell_type": "markdown", "id": "erreur", "metadata": {}, "source": text}
kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
json.dump(
    {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}, sys.stdout
)
PYTHON
  ouvrir "$PAGE_ERREUR"
}

rendre_au_proprietaire() { # where this runs as root, what it wrote belongs to the user of Jupyter
  [ "$(id -u)" = 0 ] || return 0
  chown -R --reference="$TRAVAIL" "$MAISON/.jupyter" "$JOURNAL"
  for ecrit in "$TRAVAIL/$dossier" "$TRAVAIL/$PAGE_ERREUR"; do
    [ ! -e "$ecrit" ] || chown -R --reference="$TRAVAIL" "$ecrit"
  done
}

preparer() {
  echo "$(date --iso-8601=seconds) Cahiers du SSP Hub : $*"
  if ! verifier_arguments "$@"; then
    depot='' etiquette=''
    avouer "Le lien qui a lancé ce service est incomplet ou abîmé : il n’indique pas le dépôt, la version et le chapitre comme prévu."
  elif ! copier_notebooks; then
    avouer "Le notebook « $chapitre », version $etiquette, n’a pas pu être copié depuis https://$depot : le dépôt n’a pas répondu à temps, ou n’a pas cette version ou ce chapitre."
  elif ! installer_manquants; then
    avouer "Des paquets Python dont le chapitre a besoin n’ont pas pu être installés. Le notebook est tout de même dans le dossier $dossier, mais certaines cellules échoueraient."
  else
    rm -f "$TRAVAIL/$PAGE_ERREUR"
    ouvrir "$notebook"
    echo "Prêt : $notebook"
  fi
}

# One block, read whole before it runs: a script cut short by the network does nothing.
{
  mkdir -p "$TRAVAIL"
  : >"$JOURNAL" || JOURNAL=$(mktemp)
  preparer "$@" </dev/null >"$JOURNAL" 2>&1
  rendre_au_proprietaire >>"$JOURNAL" 2>&1
  cat "$JOURNAL"
  exit 0
}
