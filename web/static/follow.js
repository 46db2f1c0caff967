// Follows a meeting: asks a small JSON every few seconds and, when something is new, fetches this very page again and
// puts its parts in place. The words are the server's. A player that goes on is not touched, the focus stays where it is.
(() => {
  "use strict";
  const meeting = document.getElementById("meeting");
  if (!meeting) return;
  const TAIL_MS = 20000; // a live viewer is some seconds behind: the picture may run out before it is replaced
  const announcement = document.getElementById("announcement");
  let version = meeting.dataset.version;
  let seconds = Number(meeting.dataset.poll);
  let said = document.querySelector("#state .sentence").textContent;
  let timer = 0;

  async function ask() {
    try {
      const answer = await fetch(meeting.dataset.status, { headers: { Accept: "application/json" } });
      if (answer.ok) {
        const status = await answer.json();
        seconds = status.poll;
        if (status.version !== version) await renew();
        if (status.sentence !== said) {
          said = status.sentence;
          announcement.textContent = said;
        }
      }
    } catch {
      // No network for the moment: asked again below.
    }
    plan();
  }

  function plan() {
    clearTimeout(timer);
    if (seconds > 0) timer = setTimeout(ask, seconds * 1000);
  }

  async function renew() {
    const answer = await fetch(meeting.dataset.page);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const freshMeeting = fresh.getElementById("meeting");
    if (!freshMeeting) return;
    version = freshMeeting.dataset.version;
    meeting.dataset.version = version;
    meeting.dataset.stage = freshMeeting.dataset.stage;
    for (const part of document.querySelectorAll("[data-region]")) {
      const next = fresh.getElementById(part.id);
      if (part.id === "player") exchangePlayer(part, next);
      else if (part.innerHTML !== next.innerHTML) exchange(part, next);
    }
  }

  function exchange(part, next) {
    const held = part.contains(document.activeElement) ? document.activeElement : null;
    const t = held && held.dataset.t;
    part.replaceChildren(...document.importNode(next, true).childNodes);
    if (t) {
      const same = part.querySelector(`a[data-t="${CSS.escape(t)}"]`);
      if (same) same.focus({ preventScroll: true });
    }
  }

  function exchangePlayer(part, next) {
    if (part.dataset.player === next.dataset.player) return;
    const video = part.querySelector("video[data-live]");
    const watching = video && !video.paused && !video.ended && next.dataset.player !== "live";
    part.dataset.player = next.dataset.player;
    clearTimeout(part.pending);
    const swap = () => {
      clearTimeout(part.pending);
      const focused = part.contains(document.activeElement);
      const old = part.querySelector("video");
      if (old) old.dispatchEvent(new Event("laktare:leave"));
      part.replaceChildren(...document.importNode(next, true).childNodes);
      if (focused) part.focus({ preventScroll: true });
      document.dispatchEvent(new Event("laktare:player"));
    };
    if (!watching) { swap(); return; }
    video.addEventListener("ended", swap, { once: true });
    part.pending = setTimeout(swap, TAIL_MS);
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && seconds > 0) { clearTimeout(timer); ask(); }
  });
  plan();
})();
