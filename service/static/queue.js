// The queue by keyboard: the next case is there before it is asked for, and what is decided is
// written while one reads on. Without this script the page's links and forms do the same.
"use strict";
(() => {
  const desk = document.getElementById("desk");
  if (!desk) return;
  const pane = document.getElementById("pane");
  const list = document.getElementById("many");
  const rows = [...document.querySelectorAll("#rows > li")];
  const keys = document.getElementById("keys");
  const csrf = list.elements.csrf.value;
  const AHEAD = 3, EVERY = 5000;
  const panes = new Map(); // case -> promise of its pane
  const done = []; // decided here, oldest first: what undo takes back
  let current = rows.find((row) => row.ariaCurrent === "true") || null;
  const loaded = Number(desk.dataset.newest); // arrivals are counted from here
  let newest = loaded; // changes of the rows from here
  let writing = 0;
  let chooser = null;

  const json = { accept: "application/json", "x-csrf-token": csrf };
  const fetched = (row) => {
    const id = row.dataset.case;
    if (!panes.has(id)) {
      const got = fetch(`/queue/cases/${id}`, { headers: { "x-csrf-token": csrf } }).then((answer) => {
        if (answer.redirected) location.reload(); // the session ended: to the sign-in page
        if (!answer.ok) throw new Error(String(answer.status));
        return answer.text();
      });
      got.catch(() => panes.delete(id));
      panes.set(id, got);
    }
    return panes.get(id);
  };
  const ahead = (row) => {
    let at = rows.indexOf(row);
    for (let n = 0; n < AHEAD && ++at < rows.length;) if (!rows[at].dataset.is) { fetched(rows[at]); n++; }
  };

  async function show(row) {
    if (!row) return;
    current?.removeAttribute("aria-current");
    current = row;
    row.setAttribute("aria-current", "true");
    row.scrollIntoView({ block: "nearest" });
    closeChooser();
    const address = row.querySelector(".name a").href;
    try {
      const html = await fetched(row);
      if (current !== row) return; // gone on meanwhile
      pane.innerHTML = html;
      pane.scrollTop = 0;
      history.replaceState(null, "", address);
    } catch {
      location.href = address;
      return;
    }
    ahead(row);
  }

  const step = (by) => {
    const at = rows.indexOf(current) + by;
    if (at >= 0 && at < rows.length) show(rows[at]);
  };
  const following = () => {
    const at = rows.indexOf(current);
    return [...rows.slice(at + 1), ...rows.slice(0, at)].find((row) => !row.dataset.is) || null;
  };
  const mark = (row, is, text, action) => {
    row.dataset.is = is;
    const line = row.querySelector(".state-line");
    line.textContent = text;
    if (action) line.append(action);
    const box = row.querySelector("input[type=checkbox]");
    if (box) { box.checked = false; box.disabled = true; count(); }
  };
  const unmark = (row, version) => {
    delete row.dataset.is;
    row.querySelector(".state-line").textContent = "";
    row.dataset.version = version;
    const box = row.querySelector("input[type=checkbox]");
    if (box) {
      box.disabled = false;
      box.value = box.value.replace(/^(\d+):\d+:/, `$1:${version}:`);
    }
  };

  // deciding
  // of the current case only: while its pane is on the way the one before is still to be seen
  const form = () => {
    const article = pane.querySelector("article");
    return current && article?.dataset.case === current.dataset.case ? article.querySelector("form.settle") : null;
  };
  const picked = (target) => form().querySelector(`input[name="${target}"]:checked`)?.value || "";
  const differs = () =>
    [...form().querySelectorAll("fieldset")].some((f) => {
      const label = picked(f.dataset.target);
      return label && label !== f.dataset.first && label !== f.dataset.stands;
    });
  const hasWhy = () => form().elements.why.value || form().elements.other_why.value.trim();

  // what is reviewed blind comes without a choice: each is made before anything is sent
  const toChoose = () => [...form().querySelectorAll("fieldset[data-blind]")].find((f) => !picked(f.dataset.target));
  const isBlind = () => !!form().querySelector("fieldset[data-blind]");

  function decide() {
    if (!form() || !form().elements.why || current?.dataset.is) return;
    if (toChoose()) { choose(toChoose().dataset.target); return; }
    if (!isBlind() && differs() && !hasWhy()) { askWhy(); return; }
    send(current, new FormData(form()));
    show(following());
  }

  // what the service answered; a sentence where it refused
  async function said(answer) {
    if (answer.status === 401) throw new Error("登录已过期,没有写入。请在另一个页签登录,再刷新本页。");
    if (!(answer.headers.get("content-type") || "").includes("json")) throw new Error(`服务出错(${answer.status}),请刷新后核对。`);
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error || told.detail);
    return told;
  }
  async function send(row, data) {
    mark(row, "writing", "写入中…");
    writing++;
    try {
      const answer = await fetch(`/queue/cases/${row.dataset.case}/decisions`, {
        method: "POST", headers: json, body: new URLSearchParams(data),
      });
      const told = await said(answer);
      const back = Object.assign(document.createElement("button"), { type: "button", textContent: "撤回" });
      back.addEventListener("click", () => undo(row));
      row.dataset.version = told.version;
      mark(row, "written", `已记入台账:${told.labels.join("、")}${told.audit ? `;${told.audit}` : ""}`, back);
      done.push(row);
    } catch (error) {
      const why = error instanceof TypeError ? "连不上服务,没有写入,请稍后再试。" : error.message;
      mark(row, "refused", why, again(row, data));
    }
    panes.delete(row.dataset.case);
    writing--;
  }
  // a row that is not as it was: looked at again, with what was chosen in it, if anything
  const again = (row, data) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "重看" });
    button.addEventListener("click", () => { panes.delete(row.dataset.case); reopen(row, data); });
    return button;
  };
  async function reopen(row, data) {
    await show(row);
    if (!form()?.elements.why) return; // it waits no more
    unmark(row, form().elements.version.value);
    if (!data) return;
    for (const target of ["section", "topic", "handling"]) if (data.has(target)) pick(target, data.get(target));
    for (const name of ["why", "other_why"]) form().elements[name].value = data.get(name);
  }
  async function undo(row) {
    if (!row) return;
    const body = new URLSearchParams({ version: row.dataset.version });
    writing++;
    try {
      const answer = await fetch(`/queue/cases/${row.dataset.case}/undo`, { method: "POST", headers: json, body });
      const told = await said(answer);
      done.splice(done.indexOf(row), 1);
      panes.delete(row.dataset.case);
      unmark(row, told.version);
      await show(row);
    } catch (error) {
      mark(row, "refused", error instanceof TypeError ? "连不上服务,没有撤回。" : error.message);
    }
    writing--;
  }

  // choosing by letters, giving a reason by a digit
  const closeChooser = () => { chooser?.remove(); chooser = null; };
  const open = (kind, title, placeholder) => {
    closeChooser();
    chooser = document.createElement("div");
    chooser.className = `chooser ${kind}`;
    chooser.innerHTML = '<p></p><input autocomplete="off"><ol></ol>';
    chooser.querySelector("p").textContent = title;
    const input = chooser.querySelector("input");
    input.placeholder = placeholder;
    input.setAttribute("aria-label", title);
    pane.querySelector(".deciding").append(chooser);
    input.focus();
    return input;
  };
  const pick = (target, label) => {
    const radio = [...form().querySelectorAll(`input[name="${target}"]`)].find((r) => r.value === label);
    if (!radio || radio.disabled) return false;
    radio.checked = true;
    radio.closest("details")?.setAttribute("open", "");
    return true;
  };
  function choose(target) {
    const box = form()?.querySelector(`fieldset[data-target="${target}"]`);
    if (!box || box.disabled) return;
    const all = [...box.querySelector("template.all").content.children].map((o) => [o.getAttribute("value"), o.dataset.initials]);
    const name = box.querySelector("legend").firstChild.textContent.trim();
    const input = open("which", isBlind() ? `抽查,独立认定${name}` : `${name}改为`, "名称或拼音首字母");
    const matching = () => {
      const said = input.value.trim().toLowerCase();
      const starts = all.filter(([name, letters]) => letters.startsWith(said) || name.startsWith(said));
      return starts.length ? starts : all.filter(([name, letters]) => letters.includes(said) || name.includes(said));
    };
    const take = (label) => {
      pick(target, label);
      closeChooser();
      pane.focus();
      if (target === "section" || isBlind()) decide();
    };
    const list = () => {
      const lines = matching().map(([name, letters]) => {
        const line = document.createElement("li");
        line.textContent = name;
        line.append(Object.assign(document.createElement("small"), { textContent: letters }));
        line.addEventListener("click", () => take(name));
        return line;
      });
      chooser.querySelector("ol").replaceChildren(...lines);
    };
    input.addEventListener("input", () => {
      list();
      const left = matching();
      if (input.value.trim().length >= 2 && left.length === 1) take(left[0][0]);
    });
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Enter") { event.preventDefault(); event.stopPropagation(); const [first] = matching(); if (first && (input.value.trim() || !isBlind())) take(first[0]); }
      if (event.key === "Escape") { event.stopPropagation(); closeChooser(); pane.focus(); }
    });
    list();
  }
  function askWhy() {
    const reasons = [...form().elements.why.options].map((o) => o.value).filter(Boolean);
    const input = open("why", "与推荐不同,请选理由(按数字)或自己写", "自己写理由,按 Enter 认定");
    const take = (reason) => { form().elements.why.value = reason; closeChooser(); pane.focus(); decide(); };
    chooser.querySelector("ol").replaceChildren(...reasons.map((reason, n) => {
      const line = document.createElement("li");
      line.innerHTML = "<kbd></kbd> <span></span>";
      line.firstChild.textContent = String(n + 1);
      line.lastChild.textContent = reason;
      line.addEventListener("click", () => take(reason));
      return line;
    }));
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const digit = Number(event.key);
      if (!input.value && digit >= 1 && digit <= reasons.length) { event.preventDefault(); event.stopPropagation(); take(reasons[digit - 1]); }
      if (event.key === "Enter" && input.value.trim()) {
        event.preventDefault(); event.stopPropagation();
        form().elements.other_why.value = input.value;
        closeChooser(); pane.focus(); decide();
      }
      if (event.key === "Escape") { event.stopPropagation(); closeChooser(); pane.focus(); }
    });
  }
  const nth = (n) => {
    const radios = form()?.querySelectorAll('fieldset[data-target="section"] .choice input') || [];
    if (radios[n - 1] && !radios[n - 1].disabled) { radios[n - 1].checked = true; decide(); }
  };

  // keys
  const acts = {
    j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
    Enter: decide, 1: () => nth(1), 2: () => nth(2), 3: () => nth(3),
    c: () => choose("section"), t: () => choose("topic"), h: () => choose("handling"),
    u: () => undo(done.at(-1)),
    o: () => { location.href = `/cases/${current.dataset.case}`; },
    x: () => { const box = current?.querySelector("input[type=checkbox]"); if (box && !box.disabled) { box.checked = !box.checked; count(); } },
    "?": () => keys.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (keys.open) { if (event.key === "?") keys.close(); return; }
    const at = event.target;
    const types = at.matches?.("input:not([type=radio], [type=checkbox]), select, textarea");
    if (types) return;
    if (event.key === "Enter" && event.shiftKey) {
      event.preventDefault();
      if (list.querySelector("input[name=shown]:checked")) list.requestSubmit();
      return;
    }
    if (event.key === "Enter" && at.matches?.("a, button, summary")) return; // they have their own meaning
    if (event.repeat && event.key === "Enter") return; // a key held down decides once
    const act = acts[event.key];
    if (act && current) { event.preventDefault(); act(); }
  });

  // the mouse: the same without loading the page
  rows.forEach((row) => {
    row.querySelector(".name a").addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      show(row);
    });
  });
  pane.addEventListener("submit", (event) => {
    if (!event.target.matches("form.settle")) return;
    event.preventDefault();
    decide();
  });
  const count = () => {
    const n = list.querySelectorAll("input[name=shown]:checked").length;
    document.getElementById("ticked").textContent = n ? ` ${n} ` : " ";
    document.getElementById("confirm-many").disabled = n === 0;
  };
  list.addEventListener("change", count);
  count();
  const show_keys = document.getElementById("show-keys");
  show_keys.hidden = false;
  show_keys.addEventListener("click", () => keys.showModal());

  // what others do meanwhile
  async function look() {
    const ids = rows.map((row) => row.dataset.case).join(",");
    let told;
    try {
      const answer = await fetch(`/queue/changes?after=${newest}&loaded=${loaded}&cases=${ids}`, { headers: json });
      if (!answer.ok || answer.redirected) return;
      told = await answer.json();
    } catch { return; } // the next look will tell
    for (const change of told.changes) {
      const row = rows.find((r) => r.dataset.case === String(change.case));
      if (!row || change.own || row.dataset.is === "writing") continue;
      const line = row.dataset.is === "other" ? row.querySelector(".state-line").firstChild.textContent + ";" : "";
      mark(row, "other", `${line}${change.who} ${change.what}`, again(row));
      panes.delete(row.dataset.case);
    }
    newest = told.newest;
    if (told.arrived) {
      const link = Object.assign(document.createElement("a"), { href: location.href, textContent: `新到 ${told.arrived} 件,点此载入` });
      document.getElementById("arrived").replaceChildren(link);
    }
  }
  setInterval(look, EVERY);
  addEventListener("beforeunload", (event) => { if (writing) event.preventDefault(); });

  if (current) ahead(current);
})();
