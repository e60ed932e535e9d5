/** The box at the top: a request id, a code, a filter, or the name of a page. Never a phone number. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { handleKeys, keysOf, shownKey } from "../keys.ts";
import { go } from "../router.ts";
import { S } from "../strings.ts";
import { suggestionsFor } from "./suggestions.ts";

export const SearchBox = () => {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  useEffect(() => handleKeys({ search: () => field.current?.select() }), []);
  const { suggestions, says } = suggestionsFor(text);
  const isShown = isOpen && (suggestions.length > 0 || says !== undefined);
  const leave = (): void => {
    setOpen(false);
    setText("");
    field.current?.blur();
  };
  const follow = (at: number): void => {
    const suggestion = suggestions[at];
    if (!suggestion) return;
    leave();
    go(suggestion.href);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && suggestions.length > 0)
      setChosen((chosen + step + suggestions.length) % suggestions.length);
    else if (event.key === "Escape") leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <form class="search" role="search" onSubmit={(event) => (event.preventDefault(), follow(chosen))}>
      <input
        ref={field}
        type="text"
        role="combobox"
        aria-label={S.search.label}
        aria-expanded={isShown}
        aria-controls={id}
        aria-autocomplete="list"
        {...(isShown && suggestions[chosen] && { "aria-activedescendant": `${id}-${chosen}` })}
        placeholder={S.search.placeholder}
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={({ currentTarget }) => (setText(currentTarget.value), setChosen(0), setOpen(true))}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      <kbd class="search-key" aria-hidden="true">
        {shownKey(keysOf("search")[0] ?? "")}
      </kbd>
      <div class="search-list" hidden={!isShown}>
        {says !== undefined && <p role="alert">{says}</p>}
        <ul id={id} role="listbox" aria-label={S.search.options}>
          {suggestions.map(({ says: each }, at) => (
            <li
              key={each}
              id={`${id}-${at}`}
              role="option"
              aria-selected={at === chosen}
              onMouseDown={(event) => (event.preventDefault(), follow(at))}
            >
              {each}
            </li>
          ))}
        </ul>
      </div>
    </form>
  );
};
