/** `?`: every key that does something on the page that is shown. */
import { signal } from "@preact/signals";
import { availableCommands, COMMANDS, keysOf, shownKey, strokesOf, type Command } from "../keys.ts";
import { Dialog } from "../parts/dialog.tsx";
import { preferences } from "../preferences.ts";
import { S } from "../strings.ts";

/** The dialog of the frame that is open. */
export const dialog = signal<"keys" | "settings" | "everywhere" | undefined>(undefined);

export const KeysDialog = () => {
  const commands = availableCommands().filter((command) => keysOf(command).length > 0);
  const pages = commands.filter((command) => command.startsWith("go-"));
  const here = commands.filter((command) => !command.startsWith("go-"));
  return (
    <Dialog title={S.help.title} wide onClose={() => dialog.value === "keys" && (dialog.value = undefined)}>
      {!preferences.value.singleKeys && <p>{S.help.off}</p>}
      <div class="keys">
        <KeyList commands={here} />
        <KeyList commands={pages} />
      </div>
      <p>
        <button type="button" onClick={() => (dialog.value = "settings")}>
          {S.help.settings}
        </button>
      </p>
    </Dialog>
  );
};

const KeyList = ({ commands }: { readonly commands: readonly Command[] }) => (
  <dl class="key-list">
    {commands.map((command) => (
      <div key={command}>
        <dt>
          <Keys command={command} />
        </dt>
        <dd>{COMMANDS[command].says}</dd>
      </div>
    ))}
  </dl>
);

export const Keys = ({ command }: { readonly command: Command }) => (
  <>
    {keysOf(command).map((key) => (
      <span key={key} class="key-chord">
        {strokesOf(key).map((part) => (
          <kbd key={part}>{shownKey(part)}</kbd>
        ))}
      </span>
    ))}
  </>
);
