/* Menu, theme, copy buttons, reachable scrolling blocks. Everything reads without it. */
(() => {
  const root = document.documentElement;
  const label = (name) => root.getAttribute(`data-label-${name}`) || "";

  function menu() {
    const button = document.querySelector(".menu-bouton");
    const list = document.getElementById("menu");
    if (!button || !list) return;
    const set = (open) => {
      root.classList.toggle("menu-ouvert", open);
      button.setAttribute("aria-expanded", String(open));
    };
    button.addEventListener("click", () => {
      set(!root.classList.contains("menu-ouvert"));
      if (root.classList.contains("menu-ouvert")) list.focus(); // it comes last in the page
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && root.classList.contains("menu-ouvert")) {
        set(false);
        button.focus();
      }
    });
  }

  function theme() {
    const button = document.querySelector(".theme-bouton");
    if (!button) return;
    const preference = matchMedia("(prefers-color-scheme: dark)");
    const show = () => {
      const mode = root.dataset.mode || "auto";
      const dark = mode === "dark" || (mode === "auto" && preference.matches);
      root.dataset.theme = dark ? "dark" : "light";
      button.querySelector("span").textContent = label(mode);
    };
    button.addEventListener("click", () => {
      const cycle = preference.matches ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
      root.dataset.mode = cycle[(cycle.indexOf(root.dataset.mode) + 1) % 3];
      try {
        localStorage.setItem("theme", root.dataset.mode);
      } catch {
        /* storage refused: the choice lasts for this page */
      }
      show();
    });
    preference.addEventListener("change", show);
    show();
  }

  function search() {
    const dialog = document.getElementById("pst-search-dialog");
    if (!dialog) return;
    const open = (event) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      if (!dialog.open) dialog.showModal();
    };
    document.querySelectorAll(".search-button__button").forEach((b) => b.addEventListener("click", open));
    document.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") open(event);
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest(".fermer")) dialog.close();
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // a field of search would only lose its text
      dialog.close();
    });
  }

  function copyButtons() {
    document.querySelectorAll("div.highlight").forEach((block) => {
      const code = block.querySelector("pre");
      if (!code || !navigator.clipboard || block.closest(".cell_output")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copier";
      button.textContent = label("copy");
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(code.innerText.replace(/\n$/, ""));
        button.textContent = label("copied");
        setTimeout(() => (button.textContent = label("copy")), 2000);
      });
      block.append(button);
    });
  }

  /* A block that scrolls sideways can be reached by the keyboard and has a name; others are left out of the way. */
  const SCROLLING = { ".cell_output pre": "output", pre: "code", ".formule": "formula", ".tableau-cadre, .pst-scrollable-table-container": "table" };

  function scrollingBlocks() {
    const describe = (block, rank) => {
      const [, kind] = Object.entries(SCROLLING).find(([selector]) => block.matches(selector));
      if (block.tagName === "PRE") return { tabindex: "0", role: "group", "aria-label": label(kind) };
      const name = block.getAttribute("aria-label") || `${label(kind)} (${rank + 1})`; // names of regions differ
      return { tabindex: "0", role: "region", "aria-label": name };
    };
    const blocks = [...document.querySelectorAll(Object.keys(SCROLLING).join())].map((block, rank) => [block, describe(block, rank)]);
    const set = () =>
      blocks.forEach(([block, attributes]) => {
        const scrolls = block.scrollWidth > block.clientWidth || block.scrollHeight > block.clientHeight;
        for (const [name, value] of Object.entries(attributes))
          if (scrolls) block.setAttribute(name, value);
          else block.removeAttribute(name);
      });
    const resized = new ResizeObserver(set); // it fires once to begin with, then on folds, tabs and narrow screens
    blocks.forEach(([block]) => resized.observe(block));
  }

  /* The page's own table of contents is folded on a narrow screen. */
  function pageContents() {
    const details = document.querySelector(".sommaire details");
    if (!details) return;
    const wide = matchMedia("(min-width: 75rem)");
    const set = () => (details.open = wide.matches);
    wide.addEventListener("change", set);
    set();
  }

  /* Paper is white and shows what is folded. */
  function print() {
    let folded = [];
    let theme;
    addEventListener("beforeprint", () => {
      folded = [...document.querySelectorAll("article details:not([open])")];
      folded.forEach((d) => (d.open = true));
      theme = root.dataset.theme;
      root.dataset.theme = "light";
    });
    addEventListener("afterprint", () => {
      folded.forEach((d) => (d.open = false));
      root.dataset.theme = theme;
    });
  }

  [menu, theme, search, copyButtons, pageContents, scrollingBlocks, print].forEach((start) => start());
})();
