/**
 * Addresses of the console: the path names the page, the query its state, so that every view can be shared. An address
 * never contains a phone number or a customer id: `filter.ts` keeps them out of filters.
 */
import { signal } from "@preact/signals";

export type Address = { readonly path: string; readonly query: Readonly<Record<string, string>> };

export const address = signal<Address>({ path: "/", query: {} });

const current = (): Address => ({
  path: location.pathname,
  query: Object.fromEntries(new URLSearchParams(location.search)),
});

/** Leaves out what is undefined or empty. */
export const hrefOf = (path: string, query: Readonly<Record<string, string | undefined>> = {}): string => {
  const given = Object.entries(query).filter((entry): entry is [string, string] => (entry[1] ?? "") !== "");
  const search = new URLSearchParams(given).toString();
  return search === "" ? path : `${path}?${search}`;
};

export const go = (href: string, { replace = false }: { readonly replace?: boolean } = {}): void => {
  if (href === location.pathname + location.search) return;
  if (replace) history.replaceState(null, "", href);
  else history.pushState({ inside: true }, "", href);
  address.value = current();
};

/** To the entry before this one if the console made it, otherwise to `fallback`. */
export const goBack = (fallback: string): void => {
  if ((history.state as { readonly inside?: boolean } | null)?.inside) history.back();
  else go(fallback, { replace: true });
};

/** Changes parts of the query and keeps the page. */
export const setQuery = (change: Readonly<Record<string, string | undefined>>, replace = true): void => {
  const { path, query } = address.peek();
  go(hrefOf(path, { ...query, ...change }), { replace });
};

/** The parameters of a path that fits a pattern such as /flows/{id}; undefined if it does not fit. */
export const matchPath = (pattern: string, path: string): Readonly<Record<string, string>> | undefined => {
  const [wanted, given] = [pattern.split("/"), path.replace(/(?<=.)\/$/, "").split("/")];
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [place, part] of wanted.entries()) {
    const value = given[place]!;
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined ? part !== value : value === "") return undefined;
    if (name !== undefined) params[name] = decoded(value);
  }
  return params;
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** Plain links of this origin change the page without loading it, except with a modifier key or a target. */
export const startRouter = (): void => {
  address.value = current();
  window.addEventListener("popstate", () => (address.value = current()));
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const url = new URL(link.href, location.href);
    if (url.origin !== location.origin || link.target !== "" || link.hasAttribute("download")) return;
    if (link.dataset["external"] !== undefined || /^\/(?:api|metrics|docs|openapi)\b/.test(url.pathname)) return;
    event.preventDefault();
    if (url.hash !== "" && url.pathname === location.pathname) document.querySelector(url.hash)?.scrollIntoView();
    go(url.pathname + url.search);
  });
};
