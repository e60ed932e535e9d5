/** The faults of the embedded OCS: add and remove them, and see what each has hit. */
import type { SandboxFault, SandboxFaultKinds, SandboxState } from "../../../admin/schemas/sandbox.ts";
import { remove } from "../../api.ts";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Empty, ErrorStrip, Skeleton } from "../../parts/states.tsx";
import { Time } from "../../parts/time.tsx";
import { hasRole } from "../../session.ts";
import { S } from "../../strings.ts";
import { FaultForm } from "./fault-form.tsx";
import { useCommand, type Commands } from "./use-command.ts";

const T = S.sandbox;

type Props = {
  readonly state: SandboxState;
  readonly kinds: SandboxFaultKinds | undefined;
  readonly onDone: () => void;
};

export const FaultsPart = ({ state: { faults, examples }, kinds, onDone }: Props) => {
  const commands = useCommand(onDone);
  const mayChange = hasRole(["operator"]);
  return (
    <section id="faults" class="evidence-part" aria-labelledby="faults-title">
      <h2 id="faults-title" tabIndex={-1}>
        {T.faults}
      </h2>
      <p class="muted">{T.faultsHelp}</p>
      {!kinds && <Skeleton rows={3} />}
      {kinds && mayChange && <FaultForm kinds={kinds} onDone={onDone} />}
      {commands.error !== undefined && <ErrorStrip error={commands.error} />}
      {faults.length === 0 ? (
        <Empty title={T.noFaults}>
          <p>{T.noFaultsHelp}</p>
          <code class="command">{examples.through}</code>
        </Empty>
      ) : (
        <FaultTable faults={faults} commands={mayChange ? commands : undefined} />
      )}
      {kinds && <Kinds kinds={kinds.kinds} />}
    </section>
  );
};

type TableProps = { readonly faults: readonly SandboxFault[]; readonly commands: Commands | undefined };

/** Resolves to what is said about it. The row and its button go away, so the focus moves to the heading. */
const clear = async (id?: string): Promise<string> => {
  const { cleared } = await remove<{ readonly cleared: number }>(
    id === undefined ? "/api/sandbox/faults" : `/api/sandbox/faults/${id}`,
  );
  document.querySelector<HTMLElement>("#faults-title")?.focus();
  return T.removed(cleared);
};

const FaultTable = ({ faults, commands }: TableProps) => (
  <>
    <PlainTable
      caption={T.faultList}
      head={[T.id, T.kind, T.where, T.howOften, T.state, T.hits, ...(commands ? [T.remove] : [])]}
    >
      {faults.map((fault) => (
        <FaultRow key={fault.id} fault={fault} commands={commands} />
      ))}
    </PlainTable>
    {commands && faults.length > 1 && (
      <p class="more">
        <button type="button" disabled={commands.isBusy} onClick={() => commands.run(() => clear())}>
          {T.removeAll}
        </button>
      </p>
    )}
  </>
);

const FaultRow = ({ fault, commands }: { readonly fault: SandboxFault } & Pick<TableProps, "commands">) => {
  const { id, kind, value, action = "", tenant = "", state } = fault;
  return (
    <tr>
      <th scope="row">{id}</th>
      <td>
        <code>{value === undefined ? kind : `${kind} ${value}`}</code>
      </td>
      <td>{T.whereOf(action, tenant) || T.everywhere}</td>
      <td>{oftenOf(fault) || T.always}</td>
      <td class={state === "on" ? "hue-refused" : "muted"}>{T.faultStates[state]}</td>
      <td>
        <Hits fault={fault} />
      </td>
      {commands && (
        <td>
          <button
            type="button"
            disabled={commands.isBusy}
            aria-label={T.removeName(id, kind)}
            onClick={() => commands.run(() => clear(id))}
          >
            {T.remove}
          </button>
        </td>
      )}
    </tr>
  );
};

const oftenOf = ({ count, remaining = 0, probability, for: time }: SandboxFault): string =>
  [
    ...(count === undefined ? [] : [T.next(remaining, count)]),
    ...(probability === undefined ? [] : [T.chance(Math.round(probability * 100))]),
    ...(time === undefined ? [] : [T.during(time)]),
  ].join(", ");

const Hits = ({ fault: { fired, firings } }: { readonly fault: SandboxFault }) =>
  fired === 0 ? (
    <span class="muted">{T.noHits}</span>
  ) : (
    <>
      {T.lastHits(fired)}
      <ul>
        {firings.map(({ time, action, tenant = "", instance, flow }, place) => (
          <li key={`${time} ${place}`}>
            <Time at={time} /> {action ?? instance ?? ""} {tenant}{" "}
            {flow !== undefined && (
              <a class="mono" href={`/flows/${flow}`}>
                {flow}
              </a>
            )}
          </li>
        ))}
      </ul>
    </>
  );

const Kinds = ({ kinds }: Pick<SandboxFaultKinds, "kinds">) => (
  <details class="more">
    <summary>{T.kinds}</summary>
    <dl class="fact-list">
      {kinds.map(({ kind, sees, value, assumes }) => (
        <div key={kind} class="fact-row">
          <dt>
            <code>{kind}</code>
          </dt>
          <dd>
            {sees}
            {value && ` (${T.valueHelp(value.expected, value.optional)})`}
            {assumes !== null && <span class="muted"> {T.assumes(assumes)}</span>}
          </dd>
        </div>
      ))}
    </dl>
  </details>
);
