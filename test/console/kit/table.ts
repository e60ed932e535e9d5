/** The virtual table of the flows page, as a person sees it who scrolls through it. */
import type { Locator, Page } from "playwright-core";

export const rowsOf = (page: Page): Locator => page.locator("table.virtual tbody tr:not(.gap)");

/** What scrolling showed. `keys`: of the rows, by their place from 0. `most`: rows that were in the page at once. */
export type Scrolled = { readonly keys: readonly string[]; readonly most: number; readonly faults: readonly string[] };

/** Scrolls from the first row to the last one that is loaded. */
export const scrollThrough = (page: Page): Promise<Scrolled> =>
  page.evaluate(async () => {
    const box = document.querySelector(".table-scroller")!;
    const keys: string[] = [];
    const faults: string[] = [];
    let most = 0;
    const drawn = (): Promise<void> =>
      new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
    const look = (): void => {
      const rows = [...box.querySelectorAll<HTMLElement>("tbody tr[data-key]")];
      most = Math.max(most, rows.length);
      for (const row of rows) {
        const place = Number(row.ariaRowIndex ?? row.getAttribute("aria-rowindex")) - 2;
        const key = row.dataset["key"]!;
        if ((keys[place] ??= key) !== key) faults.push(`row ${place} is ${keys[place]} and then ${key}`);
      }
    };
    for (let top = 0; ; top += box.clientHeight / 2) {
      box.scrollTop = top;
      await drawn();
      look();
      if (box.scrollTop + box.clientHeight >= box.scrollHeight - 1) break;
    }
    box.scrollTop = 0;
    await drawn();
    return { keys, most, faults };
  });
