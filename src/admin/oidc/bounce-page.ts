/**
 * The page that ends a login through the provider. The browser comes from another site, so it sends no cookie with
 * `SameSite=Strict` along redirects; from this page it goes on by itself, within the console, and sends them.
 */
import { escapeHtml } from "../../common/html.ts";
import type { HeaderLine, Reply } from "../../common/message.ts";
import { text } from "../replies.ts";
import { asksForPage, PAGE_HEADERS } from "../static/console-page.ts";

/** `to`: a page of the console. `problem`: why the login failed. */
export const bouncePage = (
  status: number,
  { to, problem }: { readonly to: string; readonly problem?: string | undefined },
  headers: readonly HeaderLine[],
): Reply => {
  const address = quoted(to);
  const says = problem === undefined ? "You are logged in." : escapeHtml(problem);
  return text(
    status,
    "text/html; charset=utf-8",
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">' +
      `<meta http-equiv="refresh" content="0;url=${address}"><title>ocsgw</title>` +
      `<p>${says} <a href="${address}">Continue to the console</a></p></html>\n`,
    [...PAGE_HEADERS, ...headers],
  );
};

const quoted = (value: string): string => escapeHtml(value).replaceAll('"', "&quot;").replaceAll("'", "&#39;");

const LONGEST = 2000;

/** The address, if it is one of a page of the console: anything else could lead the user elsewhere. */
export const ownPage = (address: string): string | undefined => {
  if (address.length > LONGEST || !/^\/(?![/\\])[\x21-\x7e]*$/.test(address) || address.includes("\\"))
    return undefined;
  const base = "http://console.invalid";
  const url = URL.parse(address, base);
  if (!url || url.origin !== base || url.pathname.startsWith("//")) return undefined;
  return asksForPage(url.pathname, [["Accept", "text/html"]]) && !url.pathname.startsWith(LOGIN)
    ? url.pathname + url.search
    : undefined;
};

const LOGIN = "/login/";
/** The path to which the provider sends the browser back. */
export const CALLBACK = `${LOGIN}callback`;
