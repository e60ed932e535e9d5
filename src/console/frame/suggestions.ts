/** What a text in the search box can mean. */
import { looksPersonal } from "../filter-text.ts";
import { listedPages } from "../pages/pages.ts";
import { hrefOf } from "../router.ts";
import { S } from "../strings.ts";

export type Suggestion = { readonly says: string; readonly href: string };

const ID = /^[0-9A-HJKMNP-TV-Z]{10,26}$/i;
const CODE = /^(?:OCSGW-)?([1-6]\d{3})$/i;
const RECORD = /\/records\/(\w+)/;

/** `says`: why the text is not searched. */
export const suggestionsFor = (
  text: string,
): { readonly suggestions: readonly Suggestion[]; readonly says?: string } => {
  const given = text.trim();
  if (given === "") return { suggestions: [] };
  const pages = listedPages()
    .filter(({ title }) => title.toLowerCase().startsWith(given.toLowerCase()))
    .map(({ title, path }): Suggestion => ({ says: S.search.goTo(title), href: path }));
  if (looksPersonal(given)) {
    const lookUp = listedPages().filter(({ command }) => command === "go-look-up");
    return {
      suggestions: lookUp.map(({ path }) => ({ says: S.search.openLookUp, href: path })),
      says: S.search.lookUp,
    };
  }
  const filtered = (filter: string): Suggestion => ({
    says: S.search.filterFlows(filter),
    href: hrefOf("/flows", { filter }),
  });
  if (ID.test(given) && /\d/.test(given))
    return { suggestions: [{ says: S.search.openFlow(given), href: `/flows/${given.toUpperCase()}` }, ...pages] };
  const code = CODE.exec(given)?.[1];
  if (code !== undefined) {
    const help: Suggestion = { says: S.search.helpOn(`OCSGW-${code}`), href: `/help/codes/OCSGW-${code}` };
    // Codes of the config are no codes of flows.
    return { suggestions: code.startsWith("6") ? [help] : [filtered(`code:OCSGW-${code}`), help] };
  }
  const record = RECORD.exec(given)?.[1];
  if (record !== undefined) return { suggestions: [filtered(`record:${record}`)] };
  if (given.includes(":")) return { suggestions: [filtered(given)] };
  return {
    suggestions: [
      ...pages,
      filtered(`client:${JSON.stringify(given)}`),
      filtered(`tenant:${JSON.stringify(given)}`),
      { says: S.search.searchHelp(given), href: hrefOf("/help", { find: given }) },
    ],
  };
};
