/** The phases of a request as bars on one axis, in a real table; with all numbers on demand. */
import { useEffect, useState } from "preact/hooks";
import type { TransactionJson } from "../../../journal/search/to-json.ts";
import { handleKeys } from "../../keys.ts";
import { S } from "../../strings.ts";
import { spanOf } from "../../time.ts";
import { timelineOf, type Phase } from "./phases.ts";

export const Timeline = ({ flow }: { readonly flow: TransactionJson }) => {
  const [withNumbers, setNumbers] = useState(false);
  useEffect(() => handleKeys({ "as-table": () => setNumbers((before) => !before) }), []);
  const timeline = timelineOf(flow);
  if (!timeline) return <p class="muted">{S.flow.unmeasured}</p>;
  const { phases, total, gateway, queue, ocs } = timeline;
  const { phases: names } = S.flow;
  return (
    <div class="timeline">
      <table>
        <thead class={withNumbers ? "" : "visually-hidden"}>
          <tr>
            <th scope="col">{names.phase}</th>
            <td />
            {withNumbers && <th scope="col">{names.start}</th>}
            {withNumbers && <th scope="col">{names.end}</th>}
            <th scope="col">{names.took}</th>
          </tr>
        </thead>
        <tbody>
          {phases.map((phase) => (
            <tr key={phase.name}>
              <th scope="row">{phase.name}</th>
              <td class="timeline-track" aria-hidden="true">
                <Bar phase={phase} total={total} />
              </td>
              {withNumbers && <td class="number">{spanOf(phase.start)}</td>}
              {withNumbers && <td class="number">{spanOf(phase.end)}</td>}
              <td class="number">{spanOf(phase.end - phase.start)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="timeline-sum number">
        {ocs === 0 && queue === 0
          ? S.flow.total(spanOf(total))
          : S.flow.sum(spanOf(total), spanOf(gateway), spanOf(queue), spanOf(ocs))}
        <button type="button" class="quiet" aria-pressed={withNumbers} onClick={() => setNumbers(!withNumbers)}>
          {S.flow.asTable}
        </button>
      </p>
    </div>
  );
};

/** At least so wide that it is seen. */
const LEAST_PERCENT = 0.6;

const Bar = ({ phase: { kind, start, end }, total }: { readonly phase: Phase; readonly total: number }) => {
  const scale = total > 0 ? 100 / total : 0;
  const width = Math.max(LEAST_PERCENT, (end - start) * scale);
  return (
    <span
      class={`timeline-bar timeline-${kind}`}
      style={{ left: `${Math.min(100 - width, start * scale)}%`, width: `${width}%` }}
    />
  );
};
