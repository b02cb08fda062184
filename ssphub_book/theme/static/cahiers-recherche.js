/* Search as you type, in the dialog that the page holds. Pagefind is fetched when the dialog opens.
   From file://, where no module can be fetched, the form sends to Sphinx's own search page. */
(() => {
  const dialog = document.getElementById("pst-search-dialog");
  if (!dialog || location.protocol === "file:") return;
  const form = dialog.querySelector("form");
  const input = dialog.querySelector("input");
  const label = (name, count) => (dialog.dataset[name] || "").replace("{}", count);
  const PAGES = 8;
  const SECTIONS = 3;

  const status = document.createElement("p");
  status.className = "recherche-etat";
  status.setAttribute("role", "status");
  const list = document.createElement("ol");
  list.className = "recherche-resultats";
  dialog.append(status, list);

  let engine;
  let asked = 0;

  function load() {
    engine ??= import(new URL(`${document.documentElement.dataset.content_root}pagefind/pagefind.js`, location.href)).then(
      async (pagefind) => {
        await pagefind.init();
        return pagefind;
      },
    );
    return engine;
  }

  /* The index splits elisions (« l’ évaluation »): queries lose them, excerpts are mended. */
  const split = (text) => text.replace(/(?<!\p{L})(?:[cdjlmnst]|qu)['’](?=\p{L})/giu, "");
  const mend = (html) => html.replace(/’ /g, "’");

  /* Pagefind shortens a word that it does not know until something fits: a page counts only where a
     word that it marks begins as a typed word does. */
  const SHARED = 3;
  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  function answers(page, words) {
    const marks = [...page.excerpt.matchAll(/<mark>(.*?)<\/mark>/g)].flatMap((mark) => fold(mark[1]).match(/[\p{L}\p{N}]+/gu) || []);
    if (!marks.length) return true;
    return marks.some((mark) => words.some((word) => mark.startsWith(word.slice(0, SHARED))));
  }

  function entry(page, section) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = section.url;
    const title = document.createElement("strong");
    title.textContent = mend(page.meta.title);
    link.append(title);
    if (section.title && section.title !== page.meta.title) {
      const part = document.createElement("span");
      part.textContent = mend(section.title);
      link.append(" ", part);
    }
    const excerpt = document.createElement("small");
    excerpt.innerHTML = mend(section.excerpt); // escaped by Pagefind, but for its <mark>
    link.append(excerpt);
    item.append(link);
    return item;
  }

  function entries(page) {
    const sections = page.sub_results.length ? page.sub_results.slice(0, SECTIONS) : [page];
    return sections.map((section) => entry(page, section));
  }

  async function search() {
    const query = input.value.trim();
    const turn = ++asked;
    if (!query) {
      list.replaceChildren();
      status.textContent = "";
      return;
    }
    const pagefind = await load().catch(() => null);
    if (!pagefind) {
      engine = undefined;
      if (turn === asked) status.textContent = label("failed");
      return;
    }
    const found = await pagefind.search(split(query));
    const first = await Promise.all(found.results.slice(0, PAGES).map((result) => result.data()));
    const words = fold(split(query)).match(/[\p{L}\p{N}]+/gu) || [];
    const pages = first.filter((page) => answers(page, words));
    if (turn !== asked) return; // a later query is already on its way
    list.replaceChildren(...pages.flatMap(entries));
    const count = found.results.length - (first.length - pages.length);
    status.textContent = count === 0 ? label("none") : count === 1 ? label("one") : label("many", count);
  }

  function move(event) {
    const stops = [input, ...list.querySelectorAll("a")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const here = stops.indexOf(document.activeElement);
    if (!step || here < 0) return;
    event.preventDefault();
    stops[Math.min(Math.max(here + step, 0), stops.length - 1)].focus();
  }

  /* Enter goes to the first result; with none, the form sends to the search page. */
  form.addEventListener("submit", (event) => {
    const first = list.querySelector("a");
    if (!first) return;
    event.preventDefault();
    location.assign(first.href);
    dialog.close();
  });
  let wait;
  input.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(search, 120);
  });
  input.addEventListener("focus", () => load().catch(() => (engine = undefined)));
  dialog.addEventListener("keydown", move);
  list.addEventListener("click", (event) => event.target.closest("a") && dialog.close());
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    event.preventDefault();
    dialog.showModal();
  });
})();
