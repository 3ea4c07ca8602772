// Inside LINE: hands LINE's proof of who is here to the server. Whoever has no script goes on by the button.
"use strict";
const form = document.getElementById("liff");
liff
  .init({ liffId: form.dataset.liff })
  .then(() => {
    if (!liff.isLoggedIn()) {
      liff.login({ redirectUri: location.href });
      return;
    }
    const token = liff.getIDToken();
    if (token) {
      form.elements.id_token.value = token;
      form.submit();
    }
  })
  .catch(() => {});
