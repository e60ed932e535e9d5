/** Tenants whose requests wait for a lane, the longest wait first. */
import type { Waiting } from "../../admin/api/now-schema.ts";
import { S } from "../strings.ts";
import { spanOf } from "../time.ts";

const MOST = 12;

export const WaitingList = ({ waiting }: { readonly waiting: readonly Waiting[] }) =>
  waiting.length === 0 ? (
    <p class="muted">{S.now.nobodyWaits}</p>
  ) : (
    <ul class="waiting-list">
      {waiting.slice(0, MOST).map(({ tenant, waiting: number, oldest_ms }) => (
        <li key={tenant.dbid}>
          <span class="waiting-name">{tenant.name}</span>
          <strong class="number">{number.toLocaleString("en")}</strong>
          <span class="number muted">{S.now.oldest(spanOf(oldest_ms))}</span>
        </li>
      ))}
    </ul>
  );

export const sumOf = (waiting: readonly Waiting[]): number => waiting.reduce((sum, each) => sum + each.waiting, 0);
