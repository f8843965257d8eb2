// The ledger's page: a choice takes effect at once, and an unfolded list closes like any other.
(function () {
  "use strict";
  if (window.ledgerPage) return; // loaded once, though the page may come again
  window.ledgerPage = true;

  document.addEventListener("change", function (event) {
    var form = event.target.closest && event.target.closest("form.find");
    // states are ticked one after another, and days are typed: these wait for the button
    if (!form || event.target.closest(".pick, .days") || event.target.matches("input:not([type=checkbox])")) return;
    form.requestSubmit();
  });

  function close(except) {
    document.querySelectorAll("details.pick[open]").forEach(function (own) {
      if (own !== except) own.open = false;
    });
  }
  document.addEventListener("click", function (event) {
    close(event.target.closest && event.target.closest("details.pick"));
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") close(null);
  });
})();
