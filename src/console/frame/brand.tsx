import { S } from "../strings.ts";

export const Brand = () => (
  <>
    <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
      <rect class="brand-ground" width="16" height="16" rx="3.5" />
      <path class="brand-lanes" d="M3 5h10M3 11h10" />
      <path class="brand-arrow" d="M3 8h7.5M8.5 5.7 10.8 8l-2.3 2.3" />
    </svg>
    <span>{S.product}</span>
  </>
);
