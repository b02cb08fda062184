/* What helps reading: definitions of terms. */
(() => {
  const root = document.documentElement;

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

  definitions();
})();
