/** Theme, density, times and keys of this browser. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { COMMANDS, keysOf, shownKey, type Command } from "../keys.ts";
import { Dialog } from "../parts/dialog.tsx";
import { prefer, preferences, type Preferences } from "../preferences.ts";
import { S } from "../strings.ts";
import { dialog } from "./keys-dialog.tsx";

export const SettingsDialog = () => (
  <Dialog title={S.settings.title} wide onClose={() => dialog.value === "settings" && (dialog.value = undefined)}>
    <div class="settings">
      <Choice
        name="theme"
        label={S.settings.theme}
        of={{ auto: S.theme.auto, light: S.theme.light, dark: S.theme.dark }}
      />
      <Choice
        name="density"
        label={S.settings.density}
        of={{ dense: S.settings.dense, comfortable: S.settings.comfortable }}
      />
      <Choice name="zone" label={S.settings.zone} of={{ utc: S.time.utc, local: S.time.local, both: S.time.both }} />
      <Choice
        name="announce"
        label={S.settings.announce}
        of={{ 0: S.settings.never, 5: S.settings.every(5), 15: S.settings.every(15), 60: S.settings.every(60) }}
      />
    </div>
    <label class="check">
      <input
        type="checkbox"
        checked={preferences.value.singleKeys}
        onChange={({ currentTarget }) => prefer({ singleKeys: currentTarget.checked })}
      />
      <span>{S.settings.singleKeys}</span>
    </label>
    <p class="muted">{S.settings.singleKeysHelp}</p>
    {preferences.value.singleKeys && <KeySettings />}
    <p class="muted">{S.settings.note}</p>
  </Dialog>
);

type ChoiceProps<Name extends "theme" | "density" | "zone" | "announce"> = {
  readonly name: Name;
  readonly label: string;
  readonly of: Readonly<Record<Preferences[Name], ComponentChildren>>;
};

const Choice = <Name extends "theme" | "density" | "zone" | "announce">({ name, label, of }: ChoiceProps<Name>) => (
  <fieldset class="choice">
    <legend>{label}</legend>
    {Object.entries(of as Record<string, ComponentChildren>).map(([value, says]) => (
      <label key={value}>
        <input
          type="radio"
          name={name}
          checked={String(preferences.value[name]) === value}
          onChange={() => prefer({ [name]: name === "announce" ? Number(value) : value } as Partial<Preferences>)}
        />
        <span>{says}</span>
      </label>
    ))}
  </fieldset>
);

const KeySettings = () => {
  const [recording, setRecording] = useState<Command>();
  const [problem, setProblem] = useState("");
  const record = (command: Command, event: KeyboardEvent): void => {
    const { key, ctrlKey, metaKey, altKey } = event;
    if (recording !== command || ctrlKey || metaKey || altKey || key === "Tab" || key === "Shift") return;
    event.preventDefault();
    event.stopPropagation();
    setRecording(undefined);
    if (key === "Escape") return;
    const taken = (Object.keys(COMMANDS) as Command[]).find((each) => each !== command && keysOf(each).includes(key));
    if (taken ?? key === "g") return setProblem(S.settings.taken(taken ? COMMANDS[taken].says : S.pages.navigation));
    setProblem("");
    prefer({ remapped: { ...preferences.value.remapped, [command]: key } });
  };
  const single = (Object.keys(COMMANDS) as Command[]).filter((command) => !command.startsWith("go-"));
  return (
    <details class="key-settings">
      <summary>{S.settings.keys}</summary>
      <p role="alert">{problem}</p>
      <div class="key-grid">
        {single.map((command) => (
          <button
            key={command}
            type="button"
            class="key-setting"
            aria-label={S.settings.keyFor(COMMANDS[command].says)}
            aria-pressed={recording === command}
            onClick={() => setRecording(command)}
            onKeyDown={(event) => record(command, event)}
            onBlur={() => setRecording(undefined)}
          >
            <kbd>{recording === command ? S.settings.press : shownKey(keysOf(command)[0] ?? "")}</kbd>
            <span>{COMMANDS[command].says}</span>
          </button>
        ))}
      </div>
      <button type="button" onClick={() => prefer({ remapped: {} })}>
        {S.settings.reset}
      </button>
    </details>
  );
};
