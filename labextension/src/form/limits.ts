/** Times and sizes as they are typed: `90`, `2m`, `512M`; the magics read them in the same way. */

const TIMES = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };
const SIZES = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Return how many seconds are meant, or nothing if that cannot be said. */
export function seconds(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(text.trim());
  const unit = (match?.at(2) ?? 's') as keyof typeof TIMES;
  return match ? Number(match[1]) * TIMES[unit] : undefined;
}

/** Return how many bytes are meant, or nothing if that cannot be said. */
export function bytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt])?(?:i?b)?$/i.exec(text.trim());
  const unit = match?.at(2)?.toLowerCase() as keyof typeof SIZES | undefined;
  return match
    ? Math.floor(Number(match[1]) * (unit ? SIZES[unit] : 1))
    : undefined;
}

/** Return a time as one types it. */
export function typedSeconds(value: number): string {
  for (const unit of ['d', 'h', 'm'] as const) {
    if (value >= TIMES[unit] && value % TIMES[unit] === 0) {
      return `${value / TIMES[unit]}${unit}`;
    }
  }
  return String(value);
}

/** Return a size as one types it. */
export function typedBytes(value: number): string {
  for (const unit of ['t', 'g', 'm', 'k'] as const) {
    if (value >= SIZES[unit] && value % SIZES[unit] === 0) {
      return `${value / SIZES[unit]}${unit.toUpperCase()}`;
    }
  }
  return String(value);
}
