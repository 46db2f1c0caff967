// The player: live by hls.js where the browser has Media Source Extensions, by the browser itself where not (iPhone);
// in the archive, agenda links that jump in place. Without this file the links still work (?t=120).
(() => {
  "use strict";
  const RETRY_MS = 2000;

  function startLive(video) {
    if (!window.MediaSource) return; // the <source> in the page serves
    const script = document.createElement("script");
    script.src = video.dataset.hls;
    script.onload = () => attach(video);
    document.head.append(script);
  }

  function attach(video) {
    if (!window.Hls || !window.Hls.isSupported() || !video.isConnected) return;
    const trouble = document.querySelector("[data-trouble]");
    video.replaceChildren();
    video.preload = "auto";
    // No worker: it would need a blob: script, which the content security policy rightly forbids.
    const hls = new window.Hls({ enableWorker: false, backBufferLength: 60, liveSyncDurationCount: 3 });
    video.addEventListener("laktare:leave", () => hls.destroy(), { once: true });
    hls.on(window.Hls.Events.ERROR, (_event, fault) => {
      if (!fault.fatal) return;
      if (trouble) trouble.hidden = false;
      if (fault.type === window.Hls.ErrorTypes.MEDIA_ERROR) {
        hls.recoverMediaError();
        return;
      }
      // The live process may be starting again: the playlist is asked for anew until it is there.
      setTimeout(() => { if (video.isConnected) hls.loadSource(video.dataset.live); }, RETRY_MS);
    });
    hls.on(window.Hls.Events.FRAG_BUFFERED, () => { if (trouble) trouble.hidden = true; });
    hls.loadSource(video.dataset.live);
    hls.attachMedia(video);
  }

  function startFilm(video) {
    video.addEventListener("timeupdate", () => markPresent(video));
    video.addEventListener("seeked", () => markPresent(video));
  }

  function markPresent(video) {
    const links = [...document.querySelectorAll("a[data-t]")];
    const present = links.filter((link) => Number(link.dataset.t) <= video.currentTime + 0.25).pop();
    for (const link of links) {
      if (link === present) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-t]");
    const video = document.querySelector("video[data-film]");
    if (!link || !video || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    history.replaceState(null, "", link.getAttribute("href"));
    video.currentTime = Number(link.dataset.t);
    video.play().catch(() => {}); // a browser that wants another gesture first shows the place, paused
    video.scrollIntoView({ block: "nearest", behavior: "auto" });
  });

  function start() {
    for (const video of document.querySelectorAll("video[data-live]:not([data-started])")) {
      video.dataset.started = "";
      startLive(video);
    }
    for (const video of document.querySelectorAll("video[data-film]:not([data-started])")) {
      video.dataset.started = "";
      startFilm(video);
    }
  }

  document.addEventListener("laktare:player", start);
  start();
})();
