/* The network's lists: filters whose state is in the address, and what the day changes without a new
   build. Without this script the lists read whole. */
(() => {
  const YEAR = 365 * 24 * 3600 * 1000; // milliseconds: after it, what was verified is to be verified again
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const fill = (words, ...values) => values.reduce((text, value) => text.replace("{}", value), words);
  const today = new Intl.DateTimeFormat("en-CA", { timeZone: "Europe/Paris", dateStyle: "short" }).format(new Date());

  /* --- what the day changes --------------------------------------------------------------------- */

  function agenda() {
    const coming = document.querySelector("ul.a-venir");
    const past = document.querySelector("ul.passes");
    if (!coming || !past) return;
    const over = all(":scope > .notice", coming).filter((event) => event.dataset.fin < today);
    over.forEach((event) => past.prepend(event));
    if (coming.children.length) return;
    coming.remove();
    document.querySelector(".aucun-evenement").classList.remove("masquee");
  }

  function stale() {
    const old = (entry) => Date.parse(today) - Date.parse(entry.dataset.verifie) > YEAR;
    all(".notice[data-verifie]").filter(old).forEach((entry) => entry.querySelector(".notice-relecture").classList.remove("a-jour"));
  }

  /* --- filters ---------------------------------------------------------------------------------- */

  function filters() {
    const form = document.querySelector("form.filtres");
    if (!form) return;
    const status = form.querySelector(".filtres-compte");
    const fields = all("select, input", form);
    const entries = all(".catalogue > .notice").map((node) => ({ node, text: fold(`${node.textContent} ${node.dataset.mots || ""}`) }));

    function answers({ node, text }) {
      return fields.every(({ name, value }) => {
        if (name === "q") return fold(value).split(/\s+/).every((word) => text.includes(word));
        return !value || (node.dataset[name] || "").split(name === "theme" ? " " : "\n").includes(value);
      });
    }

    function count(shown) {
      if (shown === entries.length) return fill(form.dataset.labelAll, shown);
      return shown ? fill(form.dataset.labelSome, shown, entries.length) : form.dataset.labelNone;
    }

    function apply() {
      entries.forEach((entry) => (entry.node.hidden = !answers(entry)));
      const shown = entries.filter((entry) => !entry.node.hidden).length;
      all("section:has(> .catalogue)").forEach((group) => (group.hidden = !group.querySelector(".notice:not([hidden])")));
      status.textContent = count(shown);
    }

    function keep() {
      const chosen = fields.filter((field) => field.value.trim()).map((field) => [field.name, field.value.trim()]);
      const query = chosen.length ? `?${new URLSearchParams(chosen)}` : location.pathname;
      try {
        history.replaceState(null, "", query);
      } catch {
        /* a page read from a file may not change its address */
      }
    }

    function restore() {
      const asked = new URLSearchParams(location.search);
      fields.forEach((field) => asked.has(field.name) && (field.value = asked.get(field.name)));
      /* a link to an entry shows it, whatever the filters */
      const aimed = location.hash && document.getElementById(location.hash.slice(1));
      if (aimed && !entries.some((entry) => entry.node === aimed && answers(entry))) form.reset();
    }

    form.addEventListener("input", () => (apply(), keep()));
    form.addEventListener("reset", () => setTimeout(() => (apply(), keep())));
    form.addEventListener("submit", (event) => event.preventDefault());
    restore();
    apply();
  }

  agenda();
  stale();
  filters();
})();
