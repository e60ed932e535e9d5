/** The filter: completion while typing, a caret under a fault, earlier filters with ↑, and nothing personal. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ApiError, get, type FilterPlace } from "../../api.ts";
import type { FilterLanguageReply } from "../../../admin/api/filter.ts";
import { looksPersonal } from "../../filter-text.ts";
import { handleKeys } from "../../keys.ts";
import { S } from "../../strings.ts";
import { choicesAt, type Language } from "./completion.ts";

type Props = {
  /** The filter that is in force. */
  readonly filter: string;
  readonly isOff: boolean;
  /** The last filter that was asked for and is wrong. */
  readonly fault: { readonly text: string; readonly place: FilterPlace } | undefined;
  readonly onFilter: (filter: string) => void;
};

/** The filters of this page's life, the newest last. */
const earlier: string[] = [];
let language: Language = [];

const remember = (filter: string): void => {
  if (filter !== "" && earlier.at(-1) !== filter) earlier.push(filter);
};

const useLanguage = (): Language => {
  const [known, setKnown] = useState(language);
  useEffect(() => {
    const controller = new AbortController();
    get<FilterLanguageReply>("/api/filter", undefined, controller.signal)
      .then(({ keys }) => setKnown((language = keys)))
      .catch((error: unknown) => {
        // Completion is a convenience: without it, filters work.
        if (!(error instanceof ApiError) && !controller.signal.aborted) throw error;
      });
    return () => controller.abort();
  }, []);
  return known;
};

export const FilterBox = ({ filter, isOff, fault, onFilter }: Props) => {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(filter);
  const [cursor, setCursor] = useState(0);
  const [chosen, setChosen] = useState(-1);
  const [isOpen, setOpen] = useState(false);
  const [isPersonal, setPersonal] = useState(false);
  const back = useRef(0);
  const id = useId();
  const known = useLanguage();
  useEffect(() => setText(fault?.text ?? filter), [filter]);
  useEffect(() => handleKeys({ filter: () => field.current?.focus() }), []);
  const choices = isOpen ? choicesAt(text, cursor, known) : [];

  const apply = (next: string): void => {
    const wanted = next.trim();
    setOpen(false);
    setPersonal(looksPersonal(wanted));
    if (looksPersonal(wanted)) return;
    remember(wanted);
    back.current = 0;
    onFilter(wanted);
  };
  const put = (next: string, at: number): void => {
    setText(next);
    setCursor(at);
    setChosen(-1);
    requestAnimationFrame(() => field.current?.setSelectionRange(at, at));
  };
  const recall = (step: number): void => {
    back.current = Math.min(earlier.length, Math.max(0, back.current + step));
    const next = back.current === 0 ? filter : earlier.at(-back.current)!;
    put(next, next.length);
    setOpen(false);
  };
  const leave = (): void => {
    setText(filter);
    field.current?.blur();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && choices.length > 0 && !(step < 0 && chosen < 0))
      setChosen(Math.min(choices.length - 1, chosen + step));
    else if (step !== undefined) recall(-step);
    else if (event.key === "Enter" && choices[chosen]) put(choices[chosen].text, choices[chosen].cursor);
    else if (event.key === "Escape" && isOpen && choices.length > 0) setOpen(false);
    else if (event.key === "Escape") leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const onInput = ({ currentTarget }: { readonly currentTarget: HTMLInputElement }): void => {
    setText(currentTarget.value);
    setCursor(currentTarget.selectionStart ?? 0);
    setOpen(true);
    setChosen(-1);
    setPersonal(false);
  };
  const isWrong = fault !== undefined && fault.text === text.trim();
  return (
    <form class="filter" onSubmit={(event) => (event.preventDefault(), apply(text))}>
      <div class="filter-field">
        <input
          ref={field}
          type="text"
          class={isOff ? "mono filter-off" : "mono"}
          role="combobox"
          aria-label={S.flows.filter}
          aria-expanded={choices.length > 0}
          aria-controls={id}
          aria-autocomplete="list"
          aria-invalid={isWrong || isPersonal}
          {...((isWrong || isPersonal) && { "aria-describedby": `${id}-fault` })}
          {...(choices[chosen] && { "aria-activedescendant": `${id}-${chosen}` })}
          placeholder={S.flows.filterExample}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          value={text}
          onInput={onInput}
          onKeyDown={onKeyDown}
          onBlur={() => setOpen(false)}
        />
        <ul id={id} class="filter-choices" role="listbox" aria-label={S.flows.choices} hidden={choices.length === 0}>
          {choices.map(({ says, help, text: next, cursor: at }, place) => (
            <li
              key={`${says}${help}`}
              id={`${id}-${place}`}
              role="option"
              aria-selected={place === chosen}
              onMouseDown={(event) => (event.preventDefault(), put(next, at))}
            >
              <code>{says}</code>
              <span class="muted">{help}</span>
            </li>
          ))}
        </ul>
      </div>
      <button type="submit">{S.flows.apply}</button>
      {isWrong && <Fault id={`${id}-fault`} {...fault} />}
      {isPersonal && (
        <p id={`${id}-fault`} class="filter-fault" role="alert">
          {S.search.lookUp}
        </p>
      )}
    </form>
  );
};

type FaultProps = { readonly id: string; readonly text: string; readonly place: FilterPlace };

const Fault = ({ id, text, place: { message, at, length, help } }: FaultProps) => (
  <div id={id} class="filter-fault" role="alert">
    <pre aria-hidden="true">
      {text}
      {"\n"}
      {" ".repeat(at)}
      <span class="caret">{"^".repeat(Math.max(1, Math.min(length, Math.max(1, text.length - at))))}</span>
    </pre>
    <p>
      {S.flows.fault(message, at + 1)}
      {help === undefined ? "" : ` ${S.flows.faultHelp(help)}`}
    </p>
  </div>
);
