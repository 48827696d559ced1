// Pages work without this file. It asks before what cannot be undone, keeps forms from being sent twice, copies, counts
// SMS, and keeps what is marked with data-live up to date.
"use strict";

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button && button.dataset.confirm && !window.confirm(button.dataset.confirm)) {
    event.preventDefault();
    return;
  }
  if (event.target.dataset.sent) {
    event.preventDefault();
    return;
  }
  event.target.dataset.sent = "yes";
  if (button) button.setAttribute("aria-busy", "true");
});

// A page that comes back from the browser's cache may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});

// Whoever was told of a mistake begins at the first field that has one.
for (const wrong of [...document.querySelectorAll(".hint .wrong")].reverse()) {
  const field = document.querySelector(`[aria-describedby~="${wrong.parentElement.id}"]`);
  if (!field) continue;
  field.setAttribute("aria-invalid", "true");
  for (let folded = field.closest("details"); folded; folded = folded.parentElement.closest("details")) folded.open = true;
  field.focus();
}

// What was done is told once, and not again after a reload.
if (new URLSearchParams(location.search).has("notice")) {
  const address = new URL(location.href);
  address.searchParams.delete("notice");
  history.replaceState(null, "", address);
}

// An answer that was not sent is there again, also after the session ended.
for (const field of document.querySelectorAll("textarea[data-draft]")) {
  const key = `draft ${location.pathname}`;
  const isSent = (text) => [...document.querySelectorAll(".ours .said")].some((said) => said.textContent.trim() === text.trim());
  // A saved text that was chosen takes the place of what stood there.
  if (field.value) sessionStorage.setItem(key, field.value);
  const draft = sessionStorage.getItem(key);
  if (draft && !field.value && !isSent(draft)) field.value = draft;
  if (draft && isSent(draft)) sessionStorage.removeItem(key);
  field.addEventListener("input", () => sessionStorage.setItem(key, field.value));
}

// Only pages that were reached securely may write to the clipboard; elsewhere the button selects, and the person copies.
const copy = async (button) => {
  const source = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    window.getSelection().selectAllChildren(source);
    button.textContent = "Selected";
  }
  window.setTimeout(() => { button.textContent = label; }, 2000);
};

const showCopyButtons = (root) => {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
};
showCopyButtons(document);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

// Says how many SMS a text takes: 160 characters of the GSM alphabet fit into one and 153 into each of many, those of its
// extension count twice; 70 and 67 UTF-16 units where one character is of neither (3GPP TS 23.038).
const gsm = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-.\/0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà\f^{}\\[~\]|€]*$/;
const countSegments = (field) => {
  const text = field.value;
  const isGSM = gsm.test(text);
  const length = text.length + (isGSM ? (text.match(/[\f^{}\\[~\]|€]/g) || []).length : 0);
  const [one, many] = isGSM ? [160, 153] : [70, 67];
  const count = length <= one ? 1 : Math.ceil(length / many);
  const output = document.getElementById(field.dataset.segments);
  if (output && text) output.textContent = `${length} characters, ${count} SMS`;
};
document.addEventListener("input", (event) => {
  if (event.target.dataset.segments) countSegments(event.target);
});
// What has a time of its own is not sent at once.
for (const button of document.querySelectorAll("[data-later]")) {
  const time = button.form.elements.send_at;
  const label = button.textContent;
  const name = () => { button.textContent = time.value ? button.dataset.later : label; };
  time.addEventListener("input", name);
  name();
}
// A form that nobody has touched takes the browser's time zone.
for (const list of document.querySelectorAll("[data-timezone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (list.type === "hidden") list.value = zone;
  else if ([...list.options].some((option) => option.value === zone)) list.value = zone;
}

// What is said relative to now stays true while the page is open.
const relative = (time) => {
  const seconds = Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000);
  const length = (total) => {
    const [minutes, hours] = [Math.floor(total / 60), Math.floor(total / 3600)];
    if (hours > 0) return `${hours} h` + (minutes % 60 === 0 ? "" : ` ${minutes % 60} min`);
    return minutes > 0 ? `${minutes} min` : `${total} s`;
  };
  if (Math.abs(seconds) >= 86400) return time.title;
  if (seconds < 0) return `in ${length(-seconds)}`;
  return seconds < 60 ? "just now" : `${length(seconds)} ago`;
};
window.setInterval(() => {
  for (const time of document.querySelectorAll("time[data-relative]")) time.textContent = relative(time);
}, 30000);

// Parts with data-live come again from the server when something happened, and every 2 s while one with data-open is there.
const live = {
  source: null, timer: 0, isBusy: false, isStale: false,
  parts: () => [...document.querySelectorAll("[data-live][id]")],
  // The figures of the menu follow where the page does.
  menu: () => [...document.querySelectorAll("#menu")],
  // What somebody is using stays as it is until they are done.
  isInUse: (part) => part.matches(":popover-open") || part.contains(document.activeElement) || part.querySelector("details[open], .choose:checked") !== null,
  async refresh() {
    if (live.isBusy) { live.isStale = true; return; }
    live.isBusy = true;
    live.isStale = false;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        showCopyButtons(fresh);
        document.title = fresh.title;
        for (const part of [...live.parts(), ...live.menu()]) {
          const next = fresh.getElementById(part.id);
          if (!next || next.isEqualNode(part) || live.isInUse(part)) continue;
          part.replaceWith(document.adoptNode(next));
        }
      } else if (answer.status === 404) {
        // What the page shows is gone, or it is the answer to a form: there is nothing to look at again.
        live.isBusy = false;
        return;
      }
    } catch {
      // The server is away, or the session is over: what is shown stays, and the next look tells.
    }
    live.isBusy = false;
    live.plan(live.isStale ? 1000 : 2000);
  },
  plan(wait) {
    window.clearTimeout(live.timer);
    if (document.hidden) return;
    const isOpen = document.querySelector("[data-live][data-open], [data-live] [data-open]") !== null;
    if (isOpen || live.isStale) live.timer = window.setTimeout(live.refresh, wait);
    // Without a stream a page looks by itself, and asks for one each time.
    else if (live.isRefused()) live.timer = window.setTimeout(live.listen, 10000);
  },
  // A browser asks again by itself after what broke, but not after another answer than 200: too many pages, a proxy without us.
  isRefused: () => live.source !== null && live.source.readyState === EventSource.CLOSED,
  // A browser keeps few connections to one server: pages that nobody looks at give theirs back.
  listen() {
    if (live.source) live.source.close();
    live.source = null;
    window.clearTimeout(live.timer);
    if (document.hidden) return;
    // A page that anybody may open is told of nothing, and looks by itself.
    if (document.querySelector("[data-live][data-alone]")) { live.refresh(); return; }
    live.source = new EventSource("/live");
    live.source.addEventListener("changed", live.refresh);
    // What happened between the page and the stream, or while the stream was away, is looked for once.
    live.source.addEventListener("open", live.refresh);
    live.source.addEventListener("error", () => { if (live.isRefused()) live.refresh(); });
  },
};
if (live.parts().length > 0) {
  live.listen();
  document.addEventListener("visibilitychange", () => {
    live.listen();
  });
}
