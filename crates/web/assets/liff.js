// Inside LINE: hands LINE's proof of who is here to the server. Elsewhere the link does it, and the way back skips this page.
"use strict";
const form = document.getElementById("proof"),
  show = (id) => {
    for (const one of ["wait", "failed"]) document.getElementById(one).hidden = one !== id;
  };
async function prove() {
  await liff.init({ liffId: form.dataset.liff });
  const token = liff.isLoggedIn() && liff.getIDToken();
  if (!token) throw new Error("LINE gives no proof");
  form.elements.id_token.value = token;
  form.submit();
}
if (!window.liff) show("failed");
else if (!liff.isInClient()) location.replace(document.getElementById("enter").href);
else {
  show("wait");
  prove().catch(() => show("failed"));
}
