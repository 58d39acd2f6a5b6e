(function () {
  "use strict";
  var tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  document.body.appendChild(tip);

  function spot(event) {
    return event.target.closest && event.target.closest(".plot a, .plot .hit, .strip a");
  }
  function show(element, x, y) {
    tip.textContent = element.getAttribute("aria-label").replace(/; /g, "\n");
    tip.hidden = false;
    var wide = tip.offsetWidth, high = tip.offsetHeight;
    tip.style.left = Math.max(4, Math.min(x + 14, window.innerWidth - wide - 4)) + "px";
    tip.style.top = (y + 16 + high > window.innerHeight ? Math.max(4, y - high - 12) : y + 16) + "px";
  }
  function hide() { tip.hidden = true; }

  document.addEventListener("pointermove", function (event) {
    var element = spot(event);
    if (element) show(element, event.clientX, event.clientY); else hide();
  });
  document.addEventListener("pointerleave", hide);
  function showFocused() {
    var element = document.activeElement;
    if (!element || !element.matches(".plot a, .plot .hit, .strip a") || !element.matches(":focus-visible")) { hide(); return; }
    var box = element.getBoundingClientRect();
    show(element, box.left + box.width / 2, box.top + Math.min(box.height, 60));
  }
  document.addEventListener("scroll", showFocused, true);
  document.addEventListener("focusin", showFocused);
  document.addEventListener("focusout", hide);

  /* One stop of the Tab key per chart; arrows walk along its days. */
  document.querySelectorAll("[data-walk]").forEach(function (chart) {
    var days = Array.prototype.slice.call(chart.querySelectorAll("a, .hit"));
    if (!days.length) return;
    days.forEach(function (day) { day.setAttribute("tabindex", "-1"); });
    var at = days.length - 1;
    days[at].setAttribute("tabindex", "0");
    function go(to) {
      to = Math.max(0, Math.min(days.length - 1, to));
      days[at].setAttribute("tabindex", "-1");
      at = to;
      days[at].setAttribute("tabindex", "0");
      days[at].focus();
    }
    chart.addEventListener("keydown", function (event) {
      var to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - 7, ArrowDown: at + 7, Home: 0, End: days.length - 1 }[event.key];
      if (event.key === "Escape") hide();
      if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      go(to);
    });
    chart.addEventListener("focusin", function (event) {
      var found = days.indexOf(event.target);
      if (found < 0) return;
      days[at].setAttribute("tabindex", "-1");
      at = found;
      days[at].setAttribute("tabindex", "0");
    });
  });

  var search = document.getElementById("search");
  if (search) {
    var entries = Array.prototype.slice.call(document.querySelectorAll(".entry"));
    var found = document.getElementById("found");
    var texts = entries.map(function (entry) { return entry.textContent.toLowerCase(); });
    search.closest("[hidden]").hidden = false;
    search.addEventListener("input", function () {
      var words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      var shown = 0;
      entries.forEach(function (entry, place) {
        var fits = words.every(function (word) { return texts[place].indexOf(word) >= 0; });
        entry.hidden = !fits;
        shown += fits ? 1 : 0;
        entry.querySelectorAll("tbody tr").forEach(function (row) {
          var text = row.textContent.toLowerCase();
          row.hidden = words.length > 0 && fits && !entry.dataset.name.split(" ").some(function (part) { return part.indexOf(words[0]) >= 0; })
            && !words.some(function (word) { return text.indexOf(word) >= 0; });
        });
      });
      found.textContent = words.length ? shown + " of " + entries.length + " tables and views" : "";
    });
  }
})();
