/* Search as you type, in the dialog that the page holds. The index, and the module that reads it, are
   fetched when the dialog opens. From file://, where no module can be fetched, the form sends to
   Sphinx's own search page. */
(() => {
  const dialog = document.getElementById("pst-search-dialog");
  if (!dialog || location.protocol === "file:") return;
  const form = dialog.querySelector("form");
  const input = dialog.querySelector("input");
  const label = (name, value) => (dialog.dataset[name] || "").replace("{}", value);
  const PAUSE = 60; // milliseconds without a key before a search
  const ENTRIES = 4; // of the network's lists
  const CHAPTERS = 5; // offered where nothing is found

  const status = element("p", "recherche-etat");
  status.setAttribute("role", "status");
  const list = element("ol", "recherche-resultats");
  const advice = element("div", "recherche-conseils");
  dialog.append(status, list, advice);

  let engine;
  let asked = 0;

  function element(name, className, text) {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text) node.textContent = text;
    return node;
  }

  const base = () => new URL(document.documentElement.dataset.content_root, location.href);

  function load() {
    engine ??= import(new URL("_static/cahiers-requete.js", base())).then((module) => module.Search.open(new URL("pagefind/", base())));
    engine.catch(() => (engine = undefined));
    return engine;
  }

  /* The index splits elisions (« l’ évaluation »): what it gives back is mended. */
  const mend = (html) => html.replace(/’ /g, "’");

  function entry(page, section) {
    const link = element("a");
    link.href = section.url;
    const excerpt = element("small");
    excerpt.innerHTML = mend(section.excerpt); // escaped by Pagefind, but for its <mark>
    link.append(element("span", "", section.title === page.title ? label("top") : mend(section.title)));
    link.append(excerpt);
    return link;
  }

  function inItems(nodes) {
    return nodes.map((node) => {
      const item = element("li");
      item.append(node);
      return item;
    });
  }

  /* The entries of the network's lists, in a group of their own; more of them than shown lead to their pages. */
  function entriesGroup(entries) {
    const links = entries.slice(0, ENTRIES).map(({ url, title, kind }) => {
      const link = element("a");
      link.href = new URL(url, base());
      link.append(element("span", "", mend(title)), element("span", "genre", kind));
      return link;
    });
    const found = element("ul");
    found.setAttribute("aria-label", label("entries"));
    found.append(...inItems(links));
    const item = element("li", "du-reseau");
    item.append(element("strong", "", label("entries")), found);
    return item;
  }

  /* A page: its title, then the sections that answer. */
  function group(page) {
    const sections = element("ul");
    sections.setAttribute("aria-label", mend(page.title));
    sections.append(...inItems(page.sections.map((section) => entry(page, section))));
    const item = element("li");
    item.append(element("strong", "", mend(page.title)));
    if (page.url.includes("/notebooks/")) item.append(element("span", "genre", label("chapter")));
    item.append(sections);
    return item;
  }

  /* How many pages are listed, and what was made of the words that the book does not have. */
  function outcome({ pages, entries, mended, unknown, more }) {
    const count = pages.length;
    const also = entries.length && label(entries.length === 1 ? "entry" : "several", entries.length);
    if (!count) return [label("none"), also].filter(Boolean).join(" ");
    const found = count === 1 ? label(more ? "first" : "one") : label(more ? "closest" : "many", count);
    const notes = [mended.length && label("mended", mended.join(", ")), unknown.length && label("unknown", unknown.join(", "))];
    return [found, also, ...notes].filter(Boolean).join(" ");
  }

  function suggestion(word) {
    const button = element("button", "bouton", word);
    button.type = "button";
    button.addEventListener("click", () => {
      input.value = word;
      input.focus();
      search();
    });
    return button;
  }

  function titled(name, nodes) {
    const items = element("ul");
    items.append(...inItems(nodes));
    return nodes.length ? [element("p", "", label(name)), items] : [];
  }

  function copied(link) {
    const copy = element("a", "", link.textContent.trim());
    copy.href = link.href;
    return copy;
  }

  /* For a query without answer: near words of the book, and the first chapter of each theme. */
  function advise(words) {
    const themes = [...document.querySelectorAll("#menu > details > ul")];
    const chapters = themes.map((theme) => theme.querySelector("a")).filter(Boolean).slice(0, CHAPTERS);
    advice.replaceChildren(...titled("near", words.map(suggestion)), ...titled("chapters", chapters.map(copied)));
  }

  async function search() {
    const query = input.value.trim();
    const turn = ++asked;
    const answer = query ? await load().then((opened) => opened.find(query)).catch(() => null) : undefined;
    if (turn !== asked) return; // a later query is already on its way
    advice.replaceChildren();
    const entries = answer?.entries.length ? [entriesGroup(answer.entries)] : [];
    list.replaceChildren(...(answer?.pages || []).map(group), ...entries);
    status.textContent = answer ? outcome(answer) : query ? label("failed") : "";
    if (answer && !answer.pages.length) advise(answer.suggestions);
  }

  function move(event) {
    const stops = [input, ...list.querySelectorAll("a"), ...advice.querySelectorAll("button, a")];
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
    wait = setTimeout(search, PAUSE);
  });
  input.addEventListener("focus", () => load().catch(() => {}));
  input.addEventListener("focus", () => input.select()); // what is typed takes the place of an older query
  dialog.addEventListener("keydown", move);
  dialog.addEventListener("click", (event) => event.target.closest("li a") && dialog.close());
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    event.preventDefault();
    dialog.showModal();
  });
})();
