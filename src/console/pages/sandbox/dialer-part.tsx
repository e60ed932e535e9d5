/** What the dialer does: its pace, the records that it announced, the answers, and records that nobody finalized. */
import { useState } from "preact/hooks";
import type { SandboxState } from "../../../admin/schemas/sandbox.ts";
import { post } from "../../api.ts";
import { Masked } from "../../parts/masked.tsx";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { ErrorStrip } from "../../parts/states.tsx";
import { Time } from "../../parts/time.tsx";
import { hasRole } from "../../session.ts";
import { S } from "../../strings.ts";
import { spanOf } from "../../time.ts";
import { useCommand } from "./use-command.ts";

const T = S.sandbox;

type Props = Pick<SandboxState, "dialer" | "handles"> & { readonly onDone: () => void };
type Dialed = { readonly dialed: number; readonly short: string | null };

export const DialerPart = ({ dialer, handles, onDone }: Props) => {
  const { run, error, isBusy } = useCommand(onDone);
  const { rate, lists, validation_uri, announcements } = dialer;
  const dial = (): void =>
    run(async () => {
      const { dialed, short } = await post<Dialed>("/api/sandbox/dial", {});
      return dialed > 0 ? T.dialed : T.notDialed(short ?? T.noReason);
    });
  return (
    <section id="dialer" class="evidence-part" aria-labelledby="dialer-title">
      <h2 id="dialer-title">{T.dialer}</h2>
      <p>
        {T.rate(rate)} {T.dials(lists)}
      </p>
      <p>
        {validation_uri === null ? (
          T.announcesNobody
        ) : (
          <>
            {T.announces} <code class="address">{validation_uri}</code>
          </>
        )}
      </p>
      {error !== undefined && <ErrorStrip error={error} />}
      {hasRole(["operator"]) && (
        <p>
          <button type="button" disabled={isBusy} onClick={dial}>
            {T.dial}
          </button>
        </p>
      )}
      <h3>{T.announcements}</h3>
      {announcements.length === 0 ? <p class="muted">{T.noAnnouncements}</p> : <Announcements dialer={dialer} />}
      <h3>{T.unfinalized}</h3>
      <p class="muted">{T.unfinalizedHelp(spanOf(handles.stale_after))}</p>
      {handles.open === 0 ? <p>{T.noUnfinalized}</p> : <OpenHandles handles={handles} />}
    </section>
  );
};

/** The others are shown when a button is pressed. */
const SHOWN = 15;

const Announcements = ({ dialer: { announcements } }: Pick<SandboxState, "dialer">) => {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? announcements : announcements.slice(0, SHOWN);
  return (
    <>
      <AnnouncementTable announcements={shown} />
      {shown.length < announcements.length && (
        <p class="more">
          <button type="button" class="link" onClick={() => setWhole(true)}>
            {T.moreAnnouncements(announcements.length - shown.length)}
          </button>
        </p>
      )}
    </>
  );
};

const AnnouncementTable = ({ announcements }: Pick<SandboxState["dialer"], "announcements">) => (
  <PlainTable caption={T.announcements} head={[T.time, T.cause, T.tenant, T.list, T.handle, T.phone, T.answer]}>
    {announcements.map(({ number, time, cause, tenant, list, handle, phone, decision, because }) => (
      <tr key={number}>
        <td>
          <Time at={time} />
        </td>
        <td>{T.causes[cause]}</td>
        <td>{tenant}</td>
        <td>{list}</td>
        <td class="number">{handle}</td>
        <td class="mono">
          <Masked text={phone} />
        </td>
        <td class={decision === "stop" || decision === "later" ? "hue-refused" : ""}>
          {T.decisions[decision]}
          {because !== null && ` (${because})`}
        </td>
      </tr>
    ))}
  </PlainTable>
);

const OpenHandles = ({ handles: { oldest } }: Pick<SandboxState, "handles">) => (
  <PlainTable caption={T.unfinalized} head={[T.handle, T.tenant, T.list, T.group, T.phone, T.since, T.staleAt]}>
    {oldest.map(({ handle, tenant, list, group, phone, since, stale_at }) => (
      <tr key={handle}>
        <th scope="row" class="number">
          {handle}
        </th>
        <td>{tenant}</td>
        <td>{list}</td>
        <td class="number">{group}</td>
        <td class="mono">
          <Masked text={phone} />
        </td>
        <td>
          <Time at={since} decimals={0} />
        </td>
        <td>
          <Time at={stale_at} decimals={0} />
        </td>
      </tr>
    ))}
  </PlainTable>
);
