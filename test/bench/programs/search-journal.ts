/** Brings the index of a journal up to date, then asks for first pages; tells how long each took. */
import { parseFilter } from "../../../src/journal/search/filter/filter.ts";
import { JournalSearch } from "../../../src/journal/search/journal-search.ts";

export type Searched = {
  readonly indexed: number;
  readonly pages: readonly (readonly [filter: string, found: number, ms: number])[];
};

const [dir, filters] = [process.argv[2]!, JSON.parse(process.argv[3]!) as string[]];
const start = performance.now();
const search = new JournalSearch(dir);
await search.refresh();
const indexed = performance.now() - start;
const pages: [string, number, number][] = [];
for (const filter of filters) {
  const before = performance.now();
  const { transactions } = await search.page(parseFilter(filter), { limit: 50 });
  pages.push([filter, transactions.length, performance.now() - before]);
}
search.close();
process.send!({ indexed, pages } satisfies Searched);
