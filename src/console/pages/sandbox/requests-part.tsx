/** The requests that the embedded OCS has read, with the flow of the gateway behind each. */
import { useState } from "preact/hooks";
import type { SandboxRequests, SandboxState } from "../../../admin/schemas/sandbox.ts";
import { Masked } from "../../parts/masked.tsx";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Verdict } from "../../parts/data/verdict.tsx";
import { Empty, Skeleton } from "../../parts/states.tsx";
import { Time } from "../../parts/time.tsx";
import { S } from "../../strings.ts";

const T = S.sandbox;
const HEAD = [T.time, T.connection, T.request, T.tenant, T.answer, T.hitBy, T.flow];

type Row = SandboxRequests["requests"][number];
type Props = {
  readonly requests: SandboxRequests | undefined;
  readonly examples: SandboxState["examples"];
};

export const RequestsPart = ({ requests, examples }: Props) => {
  const [isOnlyPast, setOnlyPast] = useState(false);
  const rows = requests?.requests.filter(({ flow }) => !isOnlyPast || flow === null) ?? [];
  return (
    <section id="requests" class="evidence-part" aria-labelledby="requests-title">
      <div class="part-head">
        <h2 id="requests-title">{T.requests}</h2>
        <label class="check">
          <input type="checkbox" checked={isOnlyPast} onChange={() => setOnlyPast(!isOnlyPast)} />
          {T.onlyPast}
        </label>
      </div>
      <p class="muted">{T.requestsHelp}</p>
      {!requests && <Skeleton rows={4} />}
      {requests?.requests.length === 0 && <NoRequests examples={examples} />}
      {requests && requests.requests.length > 0 && rows.length === 0 && <p>{T.nonePast}</p>}
      {rows.length > 0 && (
        <PlainTable caption={T.requests} head={HEAD}>
          {rows.map((row) => (
            <RequestRow key={row.number} row={row} />
          ))}
        </PlainTable>
      )}
    </section>
  );
};

const NoRequests = ({ examples }: Pick<Props, "examples">) => (
  <Empty title={T.noRequests}>
    <p>{T.noRequestsHelp}</p>
    <code class="command">{examples.through}</code>
    <p>{T.noRequestsPast}</p>
    <code class="command">{examples.past}</code>
  </Empty>
);

const RequestRow = ({ row }: { readonly row: Row }) => {
  const { time, instance, connection, method, target, body, action, tenant, faults, flow, user_agent } = row;
  return (
    <tr>
      <td>
        <Time at={time} />
      </td>
      <td class="number">{T.on(instance, connection)}</td>
      <td class="request-cell">
        <span class="mono">
          {method} <Masked text={target} />
        </span>
        {body !== null && (
          <div class="mono muted">
            <Masked text={body} />
          </div>
        )}
        {action === null && <div class="muted">{T.noAction}</div>}
        {flow === null && user_agent !== null && <div class="muted">{T.by(user_agent)}</div>}
      </td>
      <td>{tenant ?? T.unknownTenant}</td>
      <td>
        <span class="number">{row.status ?? ""}</span> {T.states[row.state]}
      </td>
      <td>{faults.join(", ")}</td>
      <td>
        {flow === null ? (
          <Verdict mark="bad">{T.pastGateway}</Verdict>
        ) : (
          <a class="mono" href={`/flows/${flow}`}>
            {flow}
          </a>
        )}
      </td>
    </tr>
  );
};
