/** A code of the gateway, as a link to what Help says about it. */
export const CodeLink = ({ code }: { readonly code: string }) => (
  <a class="mono" href={`/help/codes/${encodeURIComponent(code)}`}>
    {code}
  </a>
);
