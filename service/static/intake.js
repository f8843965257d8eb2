// Dropping and choosing files: each goes up by itself, with its progress; and fields are kept as they are typed.
"use strict";
(() => {
  const AT_ONCE = 2;
  const queue = [];
  let running = 0;

  const make = (tag, text, parent) => {
    const element = document.createElement(tag);
    element.textContent = text;
    parent.append(element);
    return element;
  };

  function add(form, files) {
    const most = Number(form.dataset.most);
    const list = document.getElementById("uploads");
    for (const file of files) {
      const line = document.createElement("li");
      make("b", file.name, line).title = file.name;
      const bar = make("progress", "", line);
      bar.max = 100;
      bar.value = 0;
      const told = make("span", "等待上传…", line);
      list.append(line);
      if (file.size > most) fail(line, told, `文件太大,最多 ${most / 1048576} MB,没有上传。`);
      else if (!file.size) fail(line, told, "文件是空的,没有上传。");
      else queue.push({ form, file, line, bar, told, kind: form.elements.kind.value });
    }
    next();
  }

  function fail(line, told, sentence) {
    line.className = "failed";
    line.setAttribute("role", "alert");
    told.textContent = sentence;
    const button = make("button", "知道了", line);
    button.type = "button";
    button.addEventListener("click", () => line.remove());
  }

  function next() {
    while (running < AT_ONCE && queue.length) {
      running += 1;
      send(queue.shift());
    }
  }

  function send({ form, file, line, bar, told, kind }) {
    const request = new XMLHttpRequest();
    const content = new FormData();
    const csrf = form.elements.csrf;
    if (csrf) content.append("csrf", csrf.value);
    content.append("kind", kind);
    content.append("file", file, file.name);
    request.upload.addEventListener("progress", (event) => {
      const share = event.lengthComputable ? Math.floor((100 * event.loaded) / event.total) : 0;
      bar.value = share;
      told.textContent = share < 100 ? `上传 ${share}%` : "识别中…";
    });
    request.upload.addEventListener("load", () => {
      bar.removeAttribute("value");
      told.textContent = "识别中…";
    });
    request.addEventListener("load", () => {
      const answer = parsed(request.responseText);
      if (answer && answer.kept && answer.kept.length) line.remove();
      else if (answer && answer.refused && answer.refused.length) fail(line, told, answer.refused[0][1]);
      else if (answer && answer.detail) fail(line, told, answer.detail);
      else if (request.status === 413) fail(line, told, "文件太大,没有收下。");
      else if (request.status === 401 || request.status === 403) fail(line, told, "没有收下:请重新登录后再交一次。");
      else fail(line, told, "没有收下,请再交一次。");
      ended();
    });
    request.addEventListener("error", () => {
      fail(line, told, "连接中断,没有收下,请再交一次。");
      ended();
    });
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.send(content);
  }

  function parsed(text) {
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  }

  function ended() {
    running -= 1;
    next();
    refresh();
  }

  // one at a time, and once more where a file came meanwhile: an older answer must not be the last
  let refreshing = false;
  let again = false;

  async function refresh() {
    again = true;
    if (refreshing) return;
    refreshing = true;
    try {
      while (again) {
        again = false;
        const answer = await fetch("/intake?part=waiting");
        const list = document.getElementById("waiting");
        if (list && answer.ok && !answer.redirected) list.outerHTML = await answer.text();
      }
    } finally {
      refreshing = false;
    }
  }

  function ready() {
    const form = document.getElementById("upload");
    if (form) form.classList.add("script");
  }

  const dropping = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");

  document.addEventListener("dragover", (event) => {
    const form = document.getElementById("upload");
    if (!form || !dropping(event)) return;
    event.preventDefault();
    form.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.getElementById("upload")?.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    const form = document.getElementById("upload");
    if (!form || !dropping(event)) return;
    event.preventDefault(); // a file that misses the zone must not replace the page
    form.classList.remove("over");
    add(form, event.dataTransfer.files);
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form");
    if (form?.id === "upload" && event.target.type === "file") {
      add(form, [...event.target.files]);
      event.target.value = "";
    } else if (form?.id === "fields") keep(form);
  });

  // one saving at a time, since each raises the version that the next must name
  let saving = Promise.resolve();

  function keep(form) {
    saving = saving.then(async () => {
      const told = form.querySelector(".saved");
      try {
        const sent = new URLSearchParams(new FormData(form));
        const answer = await fetch(form.dataset.save, {
          method: "POST",
          headers: { Accept: "application/json" },
          body: sent,
        });
        const content = await answer.json();
        if (content.version) form.elements.version.value = content.version;
        told.classList.toggle("bad", !content.version);
        told.textContent = content.version ? "改动已保存" : content.problem || content.detail || "";
      } catch {
        told.classList.add("bad");
        told.textContent = "改动还没有保存:连接中断。";
      }
    });
  }

  document.addEventListener("htmx:load", ready);
  document.addEventListener("DOMContentLoaded", ready);
  ready();
})();
