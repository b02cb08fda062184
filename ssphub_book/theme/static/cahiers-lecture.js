/* What helps reading: chapters marked as read (kept in this browser only), definitions of terms. */
(() => {
  const root = document.documentElement;
  const label = (name) => root.getAttribute(`data-label-${name}`) || "";
  const KEY = "chapitres-lus";

  function read() {
    try {
      return new Set(JSON.parse(localStorage.getItem(KEY) || "[]"));
    } catch {
      return new Set();
    }
  }

  function keep(pages) {
    try {
      localStorage.setItem(KEY, JSON.stringify([...pages].sort()));
    } catch {
      /* storage refused: the mark lasts for this page */
    }
  }

  /* `notebooks/theme/chapter`, wherever the book is published. */
  const name = (address) => (new URL(address, location.href).pathname.match(/notebooks\/.+?(?=\.html$)/) || [""])[0];

  function markButton() {
    const here = name(location.href);
    const article = document.querySelector("article");
    if (!here || !article || !article.querySelector(".fiche")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "bouton lu-bouton";
    const show = (done) => {
      button.setAttribute("aria-pressed", String(done));
      button.textContent = label(done ? "read" : "mark-read");
    };
    show(read().has(here));
    button.addEventListener("click", () => {
      const pages = read();
      const done = !pages.has(here);
      if (done) pages.add(here);
      else pages.delete(here);
      keep(pages);
      show(done);
    });
    article.append(button);
  }

  function progress() {
    const pages = read();
    document.querySelectorAll(".chapitre-lien").forEach((item) => {
      const link = item.querySelector("a");
      if (!link || !pages.has(name(link.href))) return;
      const mark = document.createElement("span");
      mark.className = "lu";
      mark.textContent = label("read");
      link.after(" ", mark);
    });
    document.querySelectorAll(".parcours").forEach((list) => {
      const done = list.querySelectorAll(".lu").length;
      if (!done) return;
      const count = document.createElement("p");
      count.className = "parcours-etat";
      const words = done === 1 ? label("one-read") : label("many-read").replace("{}", done);
      count.textContent = words.replace("{}", list.children.length);
      list.before(count);
    });
  }

  /* A definition stays while the pointer is on it or the link has the focus; Escape closes it. */
  function definitions() {
    let bubble, owner, leaving;

    function close() {
      clearTimeout(leaving);
      bubble?.remove();
      owner?.removeAttribute("aria-describedby");
      bubble = owner = undefined;
    }

    function open(link) {
      clearTimeout(leaving);
      if (owner === link) return;
      close();
      owner = link;
      bubble = document.createElement("div");
      bubble.className = "bulle";
      bubble.id = "definition";
      bubble.setAttribute("role", "tooltip");
      bubble.textContent = link.dataset.definition;
      bubble.addEventListener("mouseenter", () => clearTimeout(leaving));
      bubble.addEventListener("mouseleave", leave);
      link.after(bubble);
      link.setAttribute("aria-describedby", bubble.id);
      place(link);
    }

    /* Under the link, or above it where there is no room, and never out of the page. */
    function place(link) {
      const line = link.getClientRects()[0];
      const frame = bubble.offsetParent?.getBoundingClientRect() || { left: 0, top: 0 };
      const left = Math.max(8, Math.min(line.left, root.clientWidth - bubble.offsetWidth - 8));
      const below = line.bottom + bubble.offsetHeight + 8 < innerHeight;
      bubble.style.left = `${left - frame.left}px`;
      bubble.style.top = `${(below ? line.bottom : line.top - bubble.offsetHeight) - frame.top}px`;
    }

    function leave() {
      clearTimeout(leaving);
      leaving = setTimeout(() => document.activeElement !== owner && close(), 200);
    }

    document.querySelectorAll("a.terme[data-definition]").forEach((link) => {
      link.addEventListener("mouseenter", () => open(link));
      link.addEventListener("focus", () => open(link));
      link.addEventListener("mouseleave", leave);
      link.addEventListener("blur", close);
    });
    document.addEventListener("keydown", (event) => event.key === "Escape" && close());
    addEventListener("scroll", () => bubble && document.activeElement !== owner && close(), { passive: true });
  }

  [markButton, progress, definitions].forEach((start) => start());
})();
