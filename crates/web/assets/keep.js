// Keeps what was typed until it is sent, and says where there is no connection. Nothing needs it.
"use strict";
const form = document.querySelector("form[data-keep]"),
  key = "kizuna" + location.pathname.split("/")[1],
  kept = sessionStorage;
if (!form) kept.removeItem(key);
else if (form.dataset.keep == "fill") {
  for (const [name, value] of JSON.parse(kept[key] || "[]"))
    for (const field of form.querySelectorAll(`[name=${name}]:not([type=hidden])`))
      if (field.type == "radio") field.checked = field.value == value;
      else field.value = value;
  form.oninput = () => (kept[key] = JSON.stringify([...new FormData(form)]));
}
let sure;
form?.addEventListener("submit", (event) => {
  // Old browsers cannot press again by themselves: there the first press goes out unasked.
  if (sure || !form.requestSubmit) return (sure = 0);
  event.preventDefault();
  fetch("/healthz", { method: "HEAD", cache: "no-store" }).then(
    () => {
      sure = 1;
      form.requestSubmit(event.submitter);
    },
    () => {
      offline.hidden = false;
      offline.focus();
    },
  );
});
