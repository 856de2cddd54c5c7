/** The primes up to `n`, in their order: the sieve of Eratosthenes. */
export const primesUpTo = (n: number): number[] => {
  const composite = new Uint8Array(n + 1)
  const primes: number[] = []
  for (let candidate = 2; candidate <= n; candidate++) {
    if (composite[candidate]) continue
    primes.push(candidate)
    for (let multiple = candidate * candidate; multiple <= n; multiple += candidate) composite[multiple] = 1
  }
  return primes
}

/**
 * The power of a prime that divides C(n, k). Its exponent is the number of carries when k and n − k are added in base
 * `prime` (E. E. Kummer, 1852), counted here as Legendre's formula gives it for the three factorials.
 */
export const primePower = (n: number, k: number, prime: number): bigint => {
  let exponent = 0n
  for (let power = prime; power <= n; power *= prime) {
    if (Math.floor(n / power) > Math.floor(k / power) + Math.floor((n - k) / power)) exponent++
  }
  return BigInt(prime) ** exponent
}

/** The product of all factors, by halves: two long factors are multiplied faster than a long one by many short ones. */
export const product = (factors: readonly bigint[]): bigint => {
  if (factors.length <= 1) return factors[0] ?? 1n
  const middle = factors.length >> 1
  return product(factors.slice(0, middle)) * product(factors.slice(middle))
}

/** C(n, k) to six digits, as "2.52061e+30100": from logarithms, in no time. */
export const approximately = (n: number, k: number): string => {
  let logarithm = 0
  for (let i = 1; i <= Math.min(k, n - k); i++) logarithm += Math.log10((n + 1 - i) / i)
  const exponent = Math.floor(logarithm)
  const mantissa = (10 ** (logarithm - exponent)).toFixed(5)
  return mantissa === '10.00000' ? `1.00000e+${exponent + 1}` : `${mantissa}e+${exponent}`
}
