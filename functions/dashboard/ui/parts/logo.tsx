export const Logo = () => (
  <span class="logo">
    <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="currentColor" />
      <g class="logo-bars">
        <rect x="6" y="8" width="9" height="4" rx="2" />
        <rect x="11" y="14" width="12" height="4" rx="2" opacity="0.75" />
        <rect x="19" y="20" width="7" height="4" rx="2" opacity="0.5" />
      </g>
    </svg>
    Stint
  </span>
)
