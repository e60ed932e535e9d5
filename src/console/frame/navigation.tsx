/** All pages that the user's roles include, with the keys that go there. */
import { useEffect, useState } from "preact/hooks";
import { keysOf } from "../keys.ts";
import { listedPages } from "../pages/pages.ts";
import { S } from "../strings.ts";

export const Navigation = ({ path }: { readonly path: string }) => {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => setOpen(false), [path]);
  return (
    <nav class="navigation" aria-label={S.pages.navigation}>
      <button
        type="button"
        class="navigation-menu"
        aria-expanded={isOpen}
        aria-controls="pages"
        onClick={() => setOpen(!isOpen)}
      >
        {S.pages.menu}
      </button>
      <ul id="pages" data-open={isOpen}>
        {listedPages().map((page) => (
          <li key={page.path}>
            <a href={page.path} {...(page.path === path && { "aria-current": "page" as const })}>
              <span>{page.title}</span>
              <kbd aria-hidden="true">{keysOf(page.command)[0] ?? ""}</kbd>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
};
