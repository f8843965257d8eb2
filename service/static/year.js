// The button that prints the page: it is there only where it works.
(() => {
  const show = () => document.querySelectorAll("button[data-print]").forEach((b) => { b.hidden = false; });
  if (!window.yearPrints) {
    window.yearPrints = true;
    document.addEventListener("click", (event) => {
      if (event.target.closest("button[data-print]")) window.print();
    });
    document.addEventListener("htmx:load", show);
  }
  show();
})();
