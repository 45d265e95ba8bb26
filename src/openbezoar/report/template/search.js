// Finds rows among the samples; the page is complete without it.
const box = document.getElementById("find");
const rows = [...document.querySelectorAll("#samples .row")].map(
  (row) => [row, row.textContent.toLowerCase()]);
const stages = [...document.querySelectorAll("#samples > details")];
function find() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const [row, text] of rows) {
    row.hidden = !words.every((word) => text.includes(word));
    found += row.hidden ? 0 : 1;
  }
  for (const stage of stages) {
    stage.hidden = words.length > 0 && !stage.querySelector(".row:not([hidden])");
    stage.open = words.length > 0 && !stage.hidden;
  }
  document.getElementById("found").value =
    words.length ? found + " of " + rows.length + " rows shown here" : "";
}
box.addEventListener("input", find);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && event.target !== box && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    box.focus();
    box.scrollIntoView({block: "center"});
  } else if (event.key === "Escape" && event.target === box) {
    box.value = "";
    find();
  }
});
box.closest("p").hidden = false;
