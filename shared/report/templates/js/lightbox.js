// Lightbox.

const lightbox = (() => {
  const dialog = document.getElementById("lightbox");
  const [previous, next] = [dialog.querySelector(".previous"), dialog.querySelector(".next")];
  let item = null;
  let index = 0;
  function show(to) {
    index = Math.min(Math.max(to, 0), item.thumbnails.length - 1);
    const { frame, jpeg: base64 } = item.thumbnails[index];
    const shot = runAt(item.shots, frame);
    dialog.querySelector("img").src = `data:image/jpeg;base64,${base64}`;
    dialog.querySelector("img").alt = `${item.name}, frame ${frame}`;
    dialog.querySelector(".caption").textContent =
      [item.name, place(item, frame), item.fps && `frame ${grouped(frame)}`, shot && `shot ${shot.number + 1}`].filter(Boolean).join(" · ");
    previous.disabled = index === 0;
    next.disabled = index === item.thumbnails.length - 1;
  }
  previous.addEventListener("click", () => show(index - 1));
  next.addEventListener("click", () => show(index + 1));
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") show(index - 1);
    if (event.key === "ArrowRight") show(index + 1);
  });
  return { open(which, at) { item = which; show(at); dialog.showModal(); } };
})();
