/** Adds a fault: its kind with what a client sees of it, and which requests it hits. */
import { useId, useState } from "preact/hooks";
import type { SandboxFault, SandboxFaultKinds } from "../../../admin/schemas/sandbox.ts";
import { post } from "../../api.ts";
import { Field } from "../../parts/field.tsx";
import { ErrorStrip } from "../../parts/states.tsx";
import { S } from "../../strings.ts";
import { useCommand } from "./use-command.ts";

const T = S.sandbox;

type Props = { readonly kinds: SandboxFaultKinds; readonly onDone: () => void };
type Given = { readonly [Name in "value" | "action" | "tenant" | "count" | "for"]: string };

const NOTHING: Given = { value: "", action: "", tenant: "", count: "", for: "" };

/** As the API wants it: what is empty is absent. */
const bodyOf = (kind: string, { count, ...given }: Given): object => ({
  kind,
  ...Object.fromEntries(Object.entries(given).filter(([, value]) => value.trim() !== "")),
  ...(count !== "" && { count: Number(count) }),
});

export const FaultForm = ({ kinds: { kinds, actions, tenants }, onDone }: Props) => {
  const [name, setName] = useState(kinds[0]!.kind);
  const [given, setGiven] = useState(NOTHING);
  const { run, error, isBusy } = useCommand(onDone);
  const about = useId();
  const kind = kinds.find((each) => each.kind === name) ?? kinds[0]!;
  const isOfRequests = kind.selects === "requests";
  const give = (change: Partial<Given>): void => setGiven({ ...given, ...change });
  const field = (of: "value" | "for") => ({
    type: "text" as const,
    autocomplete: "off",
    maxLength: 64,
    value: given[of],
    onInput: ({ currentTarget: { value } }: { readonly currentTarget: HTMLInputElement }) => give({ [of]: value }),
  });
  const add = (event: Event): void => {
    event.preventDefault();
    run(async () => {
      const added = await post<SandboxFault>("/api/sandbox/faults", bodyOf(name, given));
      setGiven(NOTHING);
      return T.added(added.id, added.kind);
    });
  };
  return (
    <form class="evidence-form" onSubmit={add}>
      {error !== undefined && <ErrorStrip error={error} />}
      <div class="form-row">
        <Field label={T.kind}>
          <select
            aria-describedby={about}
            value={name}
            onChange={({ currentTarget: { value } }) => (setName(value), setGiven(NOTHING))}
          >
            {kinds.map((each) => (
              <option key={each.kind} value={each.kind}>
                {each.kind}
              </option>
            ))}
          </select>
        </Field>
        {kind.value && (
          <Field label={T.value} help={T.valueHelp(kind.value.expected, kind.value.optional)}>
            <input {...field("value")} required={!kind.value.optional} />
          </Field>
        )}
        {isOfRequests && (
          <Choice
            label={T.action}
            any={T.anyAction}
            of={actions}
            value={given.action}
            onInput={(action) => give({ action })}
          />
        )}
        {isOfRequests && (
          <Choice
            label={T.onlyTenant}
            any={T.anyTenant}
            of={tenants}
            value={given.tenant}
            onInput={(tenant) => give({ tenant })}
          />
        )}
        <Field label={T.count} help={T.countHelp}>
          <input
            type="number"
            min={1}
            max={1_000_000}
            value={given.count}
            onInput={({ currentTarget: { value } }) => give({ count: value })}
          />
        </Field>
        <Field label={T.for} help={T.forHelp}>
          <input {...field("for")} />
        </Field>
      </div>
      <p id={about}>
        {T.sees(kind.sees)} {kind.assumes !== null && T.assumes(kind.assumes)} {kind.at_once && T.atOnce}
      </p>
      <div class="form-end">
        <button type="submit" class="primary" disabled={isBusy}>
          {T.add}
        </button>
      </div>
    </form>
  );
};

type ChoiceProps = {
  readonly label: string;
  readonly any: string;
  readonly of: readonly string[];
  readonly value: string;
  readonly onInput: (value: string) => void;
};

const Choice = ({ label, any, of, value, onInput }: ChoiceProps) => (
  <Field label={label}>
    <select value={value} onChange={({ currentTarget }) => onInput(currentTarget.value)}>
      <option value="">{any}</option>
      {of.map((each) => (
        <option key={each} value={each}>
          {each}
        </option>
      ))}
    </select>
  </Field>
);
