/* The preview's own script: it shows what is to be mended where it is, and loads a page that changed. */
"use strict";

(() => {
  const own = document.currentScript.dataset;
  const place = `apercu:${own.page}`;
  // Where a box may not stand: it goes before the whole of these.
  const WHOLE = "p, ul, ol, dl, table, figure, pre, summary, .cell_input, .cell_output, .tableau, .fiche";
  let source = null;

  const element = (tag, name, text = "") => {
    const made = document.createElement(tag);
    made.className = name;
    made.textContent = text;
    return made;
  };

  /* The last block that begins at the line or before it; null where there is none. */
  const nearest = (line) => {
    let best = null;
    for (const block of document.querySelectorAll("article [data-ligne]")) {
      const begins = Number(block.dataset.ligne);
      if (begins <= line && (!best || begins > Number(best.dataset.ligne))) best = block;
    }
    return best;
  };

  /* The block outside lists, tables and folded parts, where a box would not be seen. */
  const standing = (block) => {
    let outer = block;
    for (let node = block; node && node.tagName !== "ARTICLE"; node = node.parentElement) {
      if (node.matches(WHOLE) || (node.tagName === "DETAILS" && !node.open)) outer = node;
    }
    return outer;
  };

  const box = (point, number) => {
    const made = element("div", "apercu-point");
    made.id = `apercu-${number}`;
    made.tabIndex = -1;
    made.setAttribute("role", "note");
    made.append(
      element("p", "apercu-lieu", `À corriger : ${point.fichier}:${point.ligne}`),
      element("p", "apercu-message", point.message),
    );
    return made;
  };

  const put = (point, number) => {
    const made = box(point, number);
    const target = point.ici && point.ligne > 1 ? nearest(point.ligne) : null;
    if (!target) {
      const title = document.querySelector("article h1");
      title ? title.after(made) : document.querySelector("main").prepend(made);
    } else if (target.tagName === "SECTION") {
      target.querySelector("h1, h2, h3, h4, h5, h6").after(made);
    } else if (/^H\d$/.test(target.tagName)) {
      target.after(made);
    } else {
      standing(target).before(made);
    }
  };

  const bar = () => {
    const made = document.querySelector(".apercu-etat") || element("div", "apercu-etat");
    made.setAttribute("role", "status");
    if (!made.isConnected) document.body.append(made);
    return made;
  };

  const say = (state) => {
    const words = [];
    if (state.travail) words.push(element("span", "", state.travail));
    if (state.points.length) {
      const link = element("a", "", `${state.points.length} point${state.points.length > 1 ? "s" : ""} à corriger`);
      link.href = `#${document.querySelector(".apercu-point").id}`;
      words.push(link);
    }
    bar().replaceChildren(...words);
    bar().hidden = !words.length;
  };

  const show = (state) => {
    document.querySelectorAll(".apercu-point").forEach((old) => old.remove());
    state.points.forEach(put);
    say(state);
  };

  const reload = () => {
    sessionStorage.setItem(place, String(window.scrollY));
    location.reload();
  };

  const restore = () => {
    const kept = sessionStorage.getItem(place);
    if (kept === null) return;
    const back = () => window.scrollTo({ top: Number(kept), behavior: "instant" });
    sessionStorage.removeItem(place);
    back();
    window.addEventListener("load", back);
  };

  const listen = () => {
    source = new EventSource(`/_apercu/flux?page=${encodeURIComponent(own.page)}`);
    source.onmessage = (event) => {
      const state = JSON.parse(event.data);
      const absent = own.rendu === "absente";
      if (absent ? state.rendu : state.rendu !== own.rendu) reload();
      else show(state);
    };
    source.onerror = () => {
      bar().replaceChildren(element("span", "", "L'aperçu ne répond plus : relancez « make preview »."));
      bar().hidden = false;
    };
  };

  // A browser opens six connections to a server: pages that nobody sees leave theirs.
  document.addEventListener("visibilitychange", () => {
    source.close();
    if (!document.hidden) listen();
  });
  restore();
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => event.persisted && listen());
  listen();
})();
