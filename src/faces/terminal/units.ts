// SPDX-License-Identifier: Apache-2.0
// Sizes, durations and times as people read them. JSON gets bytes and RFC 3339 instead.

const sizeUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `0 B`, `999 B`, `1.0 KiB`, `12.3 MiB`, `123 GiB`: three figures, IEC units. */
export function formatSize(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  // 999.95 would be rounded to 1000.0, hence the limit below 1000 and not at 1024.
  while (value >= 999.5 && unit < sizeUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${sizeUnits[unit] ?? ''}`;
}

/** `0.4s`, `9.3s`, `48s`, `3m05s`, `2h07m`. */
export function formatDuration(durationMs: number): string {
  const seconds = durationMs / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  const minutes = Math.floor(whole / 60);
  return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
}

/** `2026-11-21 16:30`, in the local time zone. */
export function formatLocalTime(time: Date): string {
  const date = [time.getFullYear(), time.getMonth() + 1, time.getDate()].map(two).join('-');
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** `just now`, `5 minutes ago`, `3 hours ago`; from two days on the local time. */
export function formatRelativeTime(time: Date, now: Date): string {
  const minutes = Math.floor((now.getTime() - time.getTime()) / 60_000);
  // Clocks of different machines differ a little; a time well in the future is told as it is.
  if (minutes < -5 || minutes >= 2 * 24 * 60) return formatLocalTime(time);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return minutes === 1 ? '1 minute ago' : `${minutes} minutes ago`;
  const hours = Math.floor(minutes / 60);
  return hours === 1 ? '1 hour ago' : `${hours} hours ago`;
}

/** `1 layer`, `2 layers`. */
export function formatCount(count: number, noun: string, nouns: string = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
