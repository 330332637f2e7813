(() => {
  const left = document.getElementById("left"), right = document.getElementById("right");
  const pairs = [...document.querySelectorAll(".pair")];
  const draw = (pair) => {
    const border = pair.querySelector("input").value;
    pair.querySelectorAll("img.side").forEach((side, number) => {
      const isLeft = number === Number(left.value), isRight = number === Number(right.value);
      side.style.display = isLeft || isRight ? "block" : "none";
      // Of one model on both sides all is shown.
      side.style.clipPath = isLeft && isRight ? "none"
        : isLeft ? `inset(0 ${100 - border}% 0 0)` : `inset(0 0 0 ${border}%)`;
    });
  };
  const all = () => pairs.forEach(draw);
  right.value = "1";
  for (const chosen of [left, right]) chosen.addEventListener("change", all);
  for (const pair of pairs) pair.querySelector("input").addEventListener("input", () => draw(pair));
  document.getElementById("difference").addEventListener("change", (event) => {
    document.body.classList.toggle("differs", event.target.checked);
  });
  all();
})();
