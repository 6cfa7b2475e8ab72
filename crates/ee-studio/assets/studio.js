// The script of Studio. Every page works without it; it adds streaming answers,
// the theme switch without a reload, local times, the secrets of links and a few keys.
"use strict";

(() => {
  const find = (selector, root = document) => root.querySelector(selector);
  const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Times are rendered in UTC; show them in the reader's zone.

  const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

  function localise(root) {
    for (const time of findAll("time[data-local]", root)) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.title = time.textContent.trim();
      time.textContent = clock.format(at);
      time.removeAttribute("data-local");
    }
  }

  // Theme: applied at once, stored by the server in the background.

  function switchTheme(form, button) {
    const root = document.documentElement;
    if (button.value === "system") root.removeAttribute("data-theme");
    else root.dataset.theme = button.value;
    for (const choice of findAll("button[name=theme]")) {
      choice.setAttribute("aria-pressed", String(choice.value === button.value));
    }
    const body = new URLSearchParams({ theme: button.value, redirect: form.elements.redirect.value });
    fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => {});
  }

  // The secret of a link stands in the fragment: it goes into the form, and out of the address bar.

  function takeLinkSecret() {
    const [, secret] = /^#token=([\w-]+)$/.exec(location.hash) ?? [];
    if (!secret) return;
    history.replaceState(null, "", location.pathname + location.search);
    const field = find("[data-link-secret]");
    if (!field) return;
    field.value = secret;
    field.closest(".field").hidden = true;
    if (field.form.hasAttribute("data-link-send")) field.form.requestSubmit();
  }

  // Recovery codes.

  async function copy(button) {
    const lines = findAll("li", document.getElementById(button.dataset.copy));
    const label = find("span", button);
    try {
      await navigator.clipboard.writeText(lines.map((line) => line.textContent).join("\n"));
      label.textContent = "Copied";
    } catch {
      label.textContent = "Not possible here";
    }
  }

  // Chat.

  class ChatError extends Error {}

  function isAtEnd(log) {
    return log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  }

  function toEnd(log) {
    log.scrollTop = log.scrollHeight;
  }

  function addMessage(log, template, author, kind, text) {
    const article = template.content.firstElementChild.cloneNode(true);
    article.classList.add(`message--${kind}`);
    find(".message-author", article).textContent = author;
    find(".message-body", article).textContent = text;
    find("[data-chat-start]", log)?.remove();
    log.append(article);
    toEnd(log);
    return article;
  }

  function showError(form, text) {
    const place = find("[data-chat-error]", form);
    place.replaceChildren();
    if (!text) return;
    const box = document.createElement("div");
    box.className = "alert alert--danger";
    box.setAttribute("role", "alert");
    const words = document.createElement("p");
    words.textContent = text;
    box.append(words);
    place.append(box);
  }

  async function refusal(response) {
    if (response.status === 401) return "Your session ended. Reload the page to sign in again.";
    if (response.status === 403) return "You may not talk to this agent.";
    if (response.headers.get("content-type")?.includes("json")) {
      const body = await response.json().catch(() => null);
      const text = body?.message || body?.error;
      if (typeof text === "string") return text;
    }
    return `The server answered with status ${response.status}. Try again.`;
  }

  // Yields the parsed `data:` of each server-sent event, until `[DONE]`.
  async function* events(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      buffer += value;
      const blocks = buffer.split(/\r?\n\r?\n/);
      buffer = blocks.pop();
      for (const block of blocks) {
        const data = block
          .split(/\r?\n/)
          .filter((line) => line.startsWith("data:"))
          .map((line) => line.slice(5).replace(/^ /, ""))
          .join("\n");
        if (data === "[DONE]") return;
        if (data) yield JSON.parse(data);
      }
    }
  }

  async function stream(form, log, answer, signal) {
    const response = await fetch(form.dataset.stream, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { Accept: "text/event-stream" },
      signal,
    });
    if (!response.ok) throw new ChatError(await refusal(response));
    form.elements.message.value = "";
    const body = find(".message-body", answer);
    for await (const { type, payload } of events(response)) {
      const follow = isAtEnd(log);
      if (type === "text-delta") {
        body.append(document.createTextNode(payload.text));
      } else if (type === "thread") {
        form.elements.thread_id.value = payload.id;
        history.replaceState(null, "", payload.url);
      } else if (type === "message") {
        // Rendered by the server, where Markdown is made safe.
        window.htmx.swap(answer, payload.html, { swapStyle: "outerHTML" });
        localise(log);
      } else if (type === "error") {
        throw new ChatError(payload.message || "The agent could not answer. Try again.");
      }
      if (follow) toEnd(log);
    }
  }

  async function send(form) {
    const text = form.elements.message.value;
    if (!text.trim() || form.dataset.busy) return;
    const log = find("[data-chat-log]");
    const template = find("[data-message-template]");
    const stop = find("[data-chat-stop]", form);
    const button = find("[data-chat-send]", form);
    const abort = new AbortController();
    const onStop = () => abort.abort();

    form.dataset.busy = "true";
    showError(form, "");
    stop.hidden = false;
    button.disabled = true;
    stop.addEventListener("click", onStop);
    log.setAttribute("aria-busy", "true");
    const question = addMessage(log, template, "You", "user", text);
    const answer = addMessage(log, template, form.dataset.agentName, "agent", "");
    answer.classList.add("message--streaming");

    try {
      await stream(form, log, answer, abort.signal);
    } catch (error) {
      if (abort.signal.aborted) {
        const note = document.createElement("p");
        note.className = "message-note";
        note.textContent = "Stopped";
        answer.append(note);
      } else {
        showError(form, error instanceof ChatError ? error.message : "The connection broke. Try again.");
        if (!find(".message-body", answer)?.textContent) {
          answer.remove();
          question.remove();
          if (!form.elements.message.value) form.elements.message.value = text;
        }
      }
    } finally {
      answer.classList.remove("message--streaming");
      log.removeAttribute("aria-busy");
      stop.removeEventListener("click", onStop);
      stop.hidden = true;
      button.disabled = false;
      delete form.dataset.busy;
      toEnd(log);
      form.elements.message.focus();
    }
    if (find("#threads") && form.elements.thread_id.value) {
      window.htmx.ajax("GET", location.pathname, {
        target: "#threads",
        select: "#threads",
        swap: "outerHTML",
      });
    }
  }

  // Events.

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-theme-switch]") && event.submitter) {
      event.preventDefault();
      switchTheme(form, event.submitter);
    } else if (form.matches("[data-chat]") && window.htmx) {
      event.preventDefault();
      send(form);
    }
  });

  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && field.matches("textarea")) {
      event.preventDefault();
      field.form?.requestSubmit();
    }
    if (event.key === "Escape") {
      for (const menu of findAll("details.menu[open]")) {
        menu.open = false;
        find("summary", menu).focus();
      }
    }
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.copy) copy(button);
    if (button?.hasAttribute("data-print")) print();
    for (const menu of findAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  // A part that is swapped keeps what the reader has opened.
  let open = [];
  document.addEventListener("htmx:beforeSwap", () => {
    open = findAll("details[data-keep-open][open]").map((item) => item.id);
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    localise(document);
  });

  // A part that cannot be renewed because the session ended: let the server say so.
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401) location.reload();
  });

  addEventListener("hashchange", takeLinkSecret);
  takeLinkSecret();
  localise(document);
  const log = find("[data-chat-log]");
  if (log) toEnd(log);
})();
