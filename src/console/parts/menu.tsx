/** A button that opens a list of actions. Arrows move, Enter chooses, Escape closes and gives the focus back. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

export type MenuItem = {
  readonly says: string;
  readonly act: () => void;
  /** For an item that is one of several choices. */
  readonly checked?: boolean;
  /** For an item that is switched on or off by itself. */
  readonly isBox?: boolean;
};

type Props = {
  readonly label: ComponentChildren;
  /** Where the label is no text. */
  readonly name?: string;
  readonly items: readonly MenuItem[];
  readonly disabled?: boolean;
  readonly quiet?: boolean;
  /** Id of the button, for keys that open the menu. */
  readonly id?: string;
};

/** Opens the menu whose button has this id. */
export const openMenu = (id: string): void => {
  const button = document.getElementById(id);
  if (button instanceof HTMLButtonElement && button.getAttribute("aria-expanded") === "false") button.click();
};

export const Menu = ({ label, name, items, disabled = false, quiet = false, id: buttonId }: Props) => {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const entries = (): HTMLElement[] => [...(root.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
  useEffect(() => {
    if (!isOpen) return undefined;
    entries()[0]?.focus();
    const leave = (event: Event): void => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", leave);
    document.addEventListener("focusin", leave);
    return () => {
      document.removeEventListener("pointerdown", leave);
      document.removeEventListener("focusin", leave);
    };
  }, [isOpen]);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  const onKey = (event: KeyboardEvent): void => {
    const all = entries();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Escape") close();
    else if (to !== undefined) all.at(to % all.length)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="menu" ref={root} onKeyDown={isOpen ? onKey : undefined}>
      <button
        ref={button}
        {...(buttonId !== undefined && { id: buttonId })}
        type="button"
        class={quiet ? "quiet" : ""}
        disabled={disabled}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={id}
        {...(name !== undefined && { "aria-label": name, title: name })}
        onClick={() => setOpen(!isOpen)}
      >
        {label}
      </button>
      <div id={id} class="menu-list" role="menu" hidden={!isOpen}>
        {items.map(({ says, act, checked, isBox = false }) => (
          <button
            key={says}
            type="button"
            role={checked === undefined ? "menuitem" : isBox ? "menuitemcheckbox" : "menuitemradio"}
            {...(checked !== undefined && { "aria-checked": checked })}
            tabIndex={-1}
            onClick={() => {
              close();
              act();
            }}
          >
            {says}
          </button>
        ))}
      </div>
    </div>
  );
};
