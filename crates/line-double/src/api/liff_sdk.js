// A stand-in for LINE's LIFF SDK: what a page needs to learn who has opened it inside LINE, and nothing else.
"use strict";
(() => {
  const apps = { /* apps */ };
  const kept = sessionStorage;
  let opened = null;
  const failure = (code, message) => Object.assign(new Error(message), { code });
  const handed = new URLSearchParams(location.hash.slice(1));
  const inside = handed.has("access_token") || kept.getItem("LIFF:inside") === "1";
  if (inside) kept.setItem("LIFF:inside", "1");
  const read = (name) => (opened ? kept.getItem(`LIFF:${opened}:${name}`) : null);

  window.liff = {
    isInClient: () => inside,
    isLoggedIn: () => read("access_token") !== null,
    getIDToken: () => read("id_token"),
    async init(config) {
      const id = config && config.liffId;
      if (!id) throw failure("INVALID_CONFIG", "liffId is necessary for liff.init()");
      const endpoint = apps[id];
      if (!endpoint) throw failure("INIT_FAILED", "there is no such LIFF app");
      // LINE's SDK only warns of a page that lies elsewhere.
      const here = location.origin + location.pathname;
      if (!here.startsWith(endpoint.split("?")[0])) throw failure("INIT_FAILED", "the page is not below the endpoint");
      opened = id;
      for (const name of ["access_token", "id_token"])
        if (handed.has(name)) kept.setItem(`LIFF:${id}:${name}`, handed.get(name));
      const state = new URLSearchParams(location.search).get("liff.state");
      if (state !== null) {
        const to = new URL(endpoint);
        const [path, query] = state.split("?");
        if (path) to.pathname = to.pathname.replace(/\/$/, "") + "/" + path.replace(/^\//, "");
        for (const [name, value] of new URLSearchParams(query)) to.searchParams.append(name, value);
        location.replace(to);
        // The page is left; who waits for it waits in vain.
        await new Promise(() => {});
      }
      history.replaceState(null, "", here + location.search);
    },
  };
})();
