// Live updates, the keyboard, and copying. The pages work without any of it.
//
// A page is drawn by the server and stays so: when something happened its address is fetched again, and the regions
// marked `data-live` that changed are put in place of those shown.

const main = document.querySelector("main");
const note = document.getElementById("live");
const CALM_MS = 700; // events that come together are one look
const PATIENCE_MS = 3000; // a stream that ends because its time is up is back before

let stream = null;
let waiting = 0;
let looking = false;
let lostAt = 0;
let reason = "";

// -- what is shown ------------------------------------------------------------------------------------------------

async function look() {
  window.clearTimeout(waiting);
  waiting = 0;
  if (looking || document.hidden) return;
  looking = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    const shown = new URL(answer.url).pathname;
    const away = "away" in main.dataset;
    if (shown !== location.pathname || (away && answer.ok)) return location.reload();
    if (!answer.ok && !away) return lose(answer.status === 503 ? "the ledger does not answer" : `status ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if ("announce" in main.dataset) announce(page);
    else exchange(page);
    document.getElementById("drawn").replaceWith(page.getElementById("drawn"));
    document.title = page.title;
    if (!stream || stream.readyState !== EventSource.CONNECTING) find();
    if (!page.querySelector("main").dataset.stream && main.dataset.stream) stop();
  } catch {
    lose("the gateway does not answer");
  } finally {
    looking = false;
  }
}

function soon() {
  waiting ||= window.setTimeout(look, CALM_MS);
}

function exchange(page) {
  if (!getSelection().isCollapsed) return; // somebody is copying something
  for (const shown of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(shown.id);
    if (!fresh || fresh.innerHTML === shown.innerHTML) continue;
    for (const details of shown.querySelectorAll("details[id]")) {
      const same = fresh.querySelector(`#${CSS.escape(details.id)}`);
      if (same) same.open = details.open;
    }
    const focused = shown.contains(document.activeElement) ? document.activeElement : null;
    const place = focused?.id ? `#${CSS.escape(focused.id)}` : focused?.href ? `a[href="${CSS.escape(focused.getAttribute("href"))}"]` : null;
    const scrolled = [...shown.querySelectorAll("pre, .graph")].map((one) => one.scrollLeft);
    shown.replaceChildren(...fresh.childNodes);
    [...shown.querySelectorAll("pre, .graph")].forEach((one, index) => (one.scrollLeft = scrolled[index] ?? 0));
    if (place) shown.querySelector(place)?.focus({ preventScroll: true });
    offerCopies(shown);
  }
}

// A list keeps its rows where they are: those shown change in place, those that came are counted.
function announce(page) {
  const link = (row) => row.querySelector("th a").getAttribute("href");
  const shown = new Map([...document.querySelectorAll("[data-row]")].map((row) => [link(row), row]));
  let fresh = 0;
  for (const row of page.querySelectorAll("[data-row]")) {
    const before = shown.get(link(row));
    if (!before) {
      fresh += 1;
      continue;
    }
    before.className = row.className;
    before.querySelectorAll("td").forEach((cell, index) => {
      const other = row.querySelectorAll("td")[index];
      if (cell.innerHTML !== other.innerHTML) cell.replaceChildren(...other.childNodes);
    });
    before.querySelector("th .progress")?.replaceWith(row.querySelector("th .progress") ?? "");
  }
  const news = document.getElementById("news");
  if (!fresh) return;
  if (!shown.size) return location.reload();
  const again = document.createElement("a");
  again.href = location.href;
  again.textContent = fresh >= shown.size ? `${fresh} or more new` : `${fresh} new`;
  if (news.textContent !== again.textContent) news.replaceChildren(again);
}

// -- the stream ---------------------------------------------------------------------------------------------------

function start() {
  if (stream || !main.dataset.stream) return;
  stream = new EventSource(main.dataset.stream);
  stream.addEventListener("open", () => look());
  stream.addEventListener("message", soon);
  stream.addEventListener("error", () => {
    if (stream?.readyState === EventSource.CLOSED) {
      stream = null; // a job that has ended (204), or a stream that is refused: looking now and then goes on
      soon();
    } else lose("the gateway does not answer");
  });
}

function stop() {
  stream?.close();
  stream = null;
  delete main.dataset.stream;
  delete main.dataset.every;
}

function lose(why) {
  lostAt ||= Date.now();
  reason = why;
}

function find() {
  lostAt = 0;
  note.hidden = true;
  delete main.dataset.stale;
}

window.setInterval(() => {
  const gone = lostAt ? Date.now() - lostAt : 0;
  if (gone < PATIENCE_MS) return;
  note.textContent = `Live updates lost ${Math.round(gone / 1000)} s ago: ${reason}. What you see is of ${document.getElementById("drawn").textContent}.`;
  note.hidden = false;
  main.dataset.stale = "";
}, 1000);

let ticks = 0;
window.setInterval(() => {
  ticks += 1;
  if (main.dataset.every && (ticks % Number(main.dataset.every) === 0 || lostAt)) look();
}, 1000);

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    stream?.close();
    stream = null;
  } else {
    start();
    if (main.dataset.every) look();
  }
});
start();

// -- the keyboard -------------------------------------------------------------------------------------------------

let afterG = 0;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("search")?.focus();
  } else if (event.key === "?") go("?");
  else if (event.key === "g") afterG = Date.now();
  else if (Date.now() - afterG < 1500 && go(event.key)) afterG = 0;
  else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
});

function go(key) {
  const link = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  link?.click();
  return Boolean(link);
}

function step(by) {
  const links = [...document.querySelectorAll("main .rows tbody th a")];
  const row = document.activeElement.closest("tr");
  const now = links.findIndex((link) => row?.contains(link));
  const next = links[Math.min(Math.max(now + by, 0), links.length - 1)];
  next?.focus();
}

// -- copying ------------------------------------------------------------------------------------------------------

function offerCopies(within) {
  if (!navigator.clipboard) return;
  for (const button of within.querySelectorAll("[data-copy]")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  button.textContent = "Copied";
});
offerCopies(document);
