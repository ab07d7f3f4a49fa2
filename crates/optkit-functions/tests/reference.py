"""Values, gradients and Hessian products of the classics, from their papers' formulas in 80 digits.

Written without a look at the Rust code, as sums over whole residual vectors, differentiated by differences that are
exact to 30 digits. `python reference.py > reference.csv` needs mpmath only. `python reference.py minima` refines the
minimisers that src/ states.
"""

import sys

from mpmath import atan, cos, exp, findroot, log, matrix, mp, mpf, pi, sin, sqrt, lu_solve

mp.dps = 80


def squares(residuals):
    return lambda x: sum(r * r for r in residuals(x))


def data(text):
    return [mpf(v) for v in text.split()]


def rosenbrock(x):
    return sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(len(x) - 1))


def extended_rosenbrock(x):
    return sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(0, len(x), 2))


def powell_singular(x):
    groups = [x[i : i + 4] for i in range(0, len(x), 4)]
    return sum((a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4 for a, b, c, d in groups)


def wood(x):
    a, b, c, d = x
    return (100 * (b - a * a) ** 2 + (1 - a) ** 2 + 90 * (d - c * c) ** 2 + (1 - c) ** 2
            + 10 * (b + d - 2) ** 2 + (b - d) ** 2 / 10)


def branin(x):
    a, b = x
    return (b - mpf("5.1") / (4 * pi**2) * a * a + 5 / pi * a - 6) ** 2 + 10 * (1 - 1 / (8 * pi)) * cos(a) + 10


def goldstein_price(x):
    a, b = x
    return ((1 + (a + b + 1) ** 2 * (19 - 14 * a + 3 * a * a - 14 * b + 6 * a * b + 3 * b * b))
            * (30 + (2 * a - 3 * b) ** 2 * (18 - 32 * a + 12 * a * a + 48 * b - 36 * a * b + 27 * b * b)))


def three_hump_camel(x):
    a, b = x
    return 2 * a**2 - mpf("1.05") * a**4 + a**6 / 6 + a * b + b * b


def six_hump_camel(x):
    a, b = x
    return (4 - mpf("2.1") * a**2 + a**4 / 3) * a**2 + a * b + (-4 + 4 * b**2) * b**2


def styblinski_tang(x):
    return sum(t**4 - 16 * t**2 + 5 * t for t in x) / 2


def ackley(x):
    n = len(x)
    return (-20 * exp(-mpf("0.2") * sqrt(sum(t * t for t in x) / n)) - exp(sum(cos(2 * pi * t) for t in x) / n)
            + 20 + exp(mpf(1)))


def rastrigin(x):
    return 10 * len(x) + sum(t * t - 10 * cos(2 * pi * t) for t in x)


def griewank(x):
    product = mpf(1)
    for i, t in enumerate(x, 1):
        product *= cos(t / sqrt(mpf(i)))
    return 1 + sum(t * t for t in x) / 4000 - product


def levy(x):
    w = [1 + (t - 1) / 4 for t in x]
    return (sin(pi * w[0]) ** 2 + sum((t - 1) ** 2 * (1 + 10 * sin(pi * t + 1) ** 2) for t in w[:-1])
            + (w[-1] - 1) ** 2 * (1 + sin(2 * pi * w[-1]) ** 2))


def dixon_price(x):
    return (x[0] - 1) ** 2 + sum((i + 1) * (2 * x[i] ** 2 - x[i - 1]) ** 2 for i in range(1, len(x)))


def zakharov(x):
    s = sum(mpf(i) / 2 * t for i, t in enumerate(x, 1))
    return sum(t * t for t in x) + s**2 + s**4


def trid(x):
    return sum((t - 1) ** 2 for t in x) - sum(x[i] * x[i - 1] for i in range(1, len(x)))


def trigonometric(x):
    n, s = len(x), sum(cos(t) for t in x)
    return [n - s + i * (1 - cos(t)) - sin(t) for i, t in enumerate(x, 1)]


def at(x, i):
    return x[i] if 0 <= i < len(x) else mpf(0)


def broyden_tridiagonal(x):
    return [(3 - 2 * x[i]) * x[i] - at(x, i - 1) - 2 * at(x, i + 1) + 1 for i in range(len(x))]


def broyden_banded(x):
    def band(i):
        return sum(x[j] * (1 + x[j]) for j in range(max(0, i - 5), min(len(x), i + 2)) if j != i)

    return [x[i] * (2 + 5 * x[i] ** 2) + 1 - band(i) for i in range(len(x))]


def discrete_boundary_value(x):
    n = len(x)
    h = mpf(1) / (n + 1)
    return [2 * x[i] - at(x, i - 1) - at(x, i + 1) + h * h * (x[i] + (i + 1) * h + 1) ** 3 / 2 for i in range(n)]


def discrete_integral_equation(x):
    n = len(x)
    h = mpf(1) / (n + 1)
    t = [(i + 1) * h for i in range(n)]
    cube = [(x[i] + t[i] + 1) ** 3 for i in range(n)]
    return [x[i] + h / 2 * ((1 - t[i]) * sum(t[j] * cube[j] for j in range(i + 1))
                            + t[i] * sum((1 - t[j]) * cube[j] for j in range(i + 1, n))) for i in range(n)]


def variably_dimensioned(x):
    s = sum(j * (t - 1) for j, t in enumerate(x, 1))
    return [t - 1 for t in x] + [s, s * s]


def penalty_1(x):
    return [sqrt(mpf("1e-5")) * (t - 1) for t in x] + [sum(t * t for t in x) - mpf(1) / 4]


def penalty_2(x):
    n, root = len(x), sqrt(mpf("1e-5"))
    e = [exp(t / 10) for t in x]
    y = [exp(mpf(i) / 10) + exp(mpf(i - 1) / 10) for i in range(2, n + 1)]
    return ([x[0] - mpf("0.2")] + [root * (e[i] + e[i - 1] - y[i - 1]) for i in range(1, n)]
            + [root * (e[i] - exp(-mpf(1) / 10)) for i in range(1, n)]
            + [sum((n - j) * x[j] ** 2 for j in range(n)) - 1])


def watson(x):
    n = len(x)
    rows = []
    for i in range(1, 30):
        t = mpf(i) / 29
        rows.append(sum(j * x[j] * t ** (j - 1) for j in range(1, n)) - sum(x[j] * t**j for j in range(n)) ** 2 - 1)
    return rows + [x[0], x[1] - x[0] ** 2 - 1]


def helical_valley(x):
    theta = atan(x[1] / x[0]) / (2 * pi) + (mpf(1) / 2 if x[0] < 0 else 0)
    return [10 * (x[2] - 10 * theta), 10 * (sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]]


def biggs_exp6(x):
    def row(i):
        t = mpf(i) / 10
        y = exp(-t) - 5 * exp(-10 * t) + 3 * exp(-4 * t)
        return x[2] * exp(-t * x[0]) - x[3] * exp(-t * x[1]) + x[5] * exp(-t * x[4]) - y

    return [row(i) for i in range(1, 14)]


def gulf(m):
    def residuals(x):
        def row(i):
            t = mpf(i) / 100
            y = 25 + (-50 * log(t)) ** (mpf(2) / 3)
            return exp(-(abs(y - x[1]) ** x[2]) / x[0]) - t

        return [row(i) for i in range(1, m + 1)]

    return residuals


def box_3d(m):
    def residuals(x):
        t = [mpf(i) / 10 for i in range(1, m + 1)]
        return [exp(-s * x[0]) - exp(-s * x[1]) - x[2] * (exp(-s) - exp(-10 * s)) for s in t]

    return residuals


GAUSSIAN = data(".0009 .0044 .0175 .0540 .1295 .2420 .3521 .3989 .3521 .2420 .1295 .0540 .0175 .0044 .0009")


def gaussian(x):
    return [x[0] * exp(-x[1] * (mpf(8 - i) / 2 - x[2]) ** 2 / 2) - y for i, y in enumerate(GAUSSIAN, 1)]


def jennrich_sampson(m):
    return lambda x: [2 + 2 * i - (exp(i * x[0]) + exp(i * x[1])) for i in range(1, m + 1)]


KOWALIK = data(".1957 .1947 .1735 .1600 .0844 .0627 .0456 .0342 .0323 .0235 .0246")
OSBORNE_U = data("4 2 1 .5 .25 .167 .125 .1 .0833 .0714 .0625")


def kowalik_osborne(x):
    return [y - x[0] * (u * u + u * x[1]) / (u * u + u * x[2] + x[3]) for y, u in zip(KOWALIK, OSBORNE_U)]


def brown_dennis(m):
    def row(x, t):
        return (x[0] + t * x[1] - exp(t)) ** 2 + (x[2] + x[3] * sin(t) - cos(t)) ** 2

    return lambda x: [row(x, mpf(i) / 5) for i in range(1, m + 1)]


OSBORNE_1 = data("""
.844 .908 .932 .936 .925 .908 .881 .850 .818 .784 .751 .718 .685 .658 .628 .603 .580 .558 .538 .522 .506 .490 .478
.467 .457 .448 .438 .431 .424 .420 .414 .411 .406""")
OSBORNE_2 = data("""
1.366 1.191 1.112 1.013 .991 .885 .831 .847 .786 .725 .746 .679 .608 .655 .616 .606 .602 .626 .651 .724 .649 .649
.694 .644 .624 .661 .612 .558 .533 .495 .500 .423 .395 .375 .372 .391 .396 .405 .428 .429 .523 .562 .607 .653 .672
.708 .633 .668 .645 .632 .591 .559 .597 .625 .739 .710 .729 .720 .636 .581 .428 .292 .162 .098 .054""")


def osborne_1(x):
    return [y - (x[0] + x[1] * exp(-10 * i * x[3]) + x[2] * exp(-10 * i * x[4])) for i, y in enumerate(OSBORNE_1)]


def osborne_2(x):
    def model(t):
        return (x[0] * exp(-t * x[4]) + x[1] * exp(-((t - x[8]) ** 2) * x[5])
                + x[2] * exp(-((t - x[9]) ** 2) * x[6]) + x[3] * exp(-((t - x[10]) ** 2) * x[7]))

    return [y - model(mpf(i) / 10) for i, y in enumerate(OSBORNE_2)]


BARD = data(".14 .18 .22 .25 .29 .32 .35 .39 .37 .58 .73 .96 1.34 2.10 4.39")
MEYER = data("34780 28610 23650 19630 16370 13720 11540 9744 8261 7030 6005 5147 4427 3820 3307 2872")


def bard(x):
    return [y - (x[0] + u / ((16 - u) * x[1] + min(u, 16 - u) * x[2])) for u, y in enumerate(BARD, 1)]


def meyer(x):
    return [x[0] * exp(x[1] / (45 + 5 * i + x[2])) - y for i, y in enumerate(MEYER, 1)]


def shifted_chebyshev(i, t):
    before, last = mpf(1), 2 * t - 1
    for _ in range(i - 1):
        before, last = last, 2 * (2 * t - 1) * last - before
    return last


def chebyquad(x):
    n = len(x)
    integral = [mpf(0) if i % 2 else mpf(-1) / (i * i - 1) for i in range(n + 1)]
    return [sum(shifted_chebyshev(i, t) for t in x) / n - integral[i] for i in range(1, n + 1)]


def linear_full_rank(m):
    def residuals(x):
        s = 2 * sum(x) / m
        return [t - s - 1 for t in x] + [-s - 1] * (m - len(x))

    return residuals


def linear_rank_one(m):
    return lambda x: [i * sum(j * t for j, t in enumerate(x, 1)) - 1 for i in range(1, m + 1)]


def linear_rank_one_with_zeros(m):
    def residuals(x):
        s = sum(j * x[j - 1] for j in range(2, len(x)))
        return [mpf(-1)] + [(i - 1) * s - 1 for i in range(2, m)] + [mpf(-1)]

    return residuals


def brown_almost_linear(x):
    product = mpf(1)
    for t in x:
        product *= t
    return [t + sum(x) - (len(x) + 1) for t in x[:-1]] + [product - 1]


def quadratic(condition):
    def f(x):
        n = len(x)
        lam = [mpf(condition) ** (mpf(i) / max(n - 1, 1)) for i in range(n)]
        v = [1 + mpf(i + 1) / n for i in range(n)]
        length = sqrt(sum(t * t for t in v))
        v = [t / length for t in v]
        s = [t - 1 for t in x]
        y = [s[i] - 2 * sum(a * b for a, b in zip(v, s)) * v[i] for i in range(n)]
        return sum(l * t * t for l, t in zip(lam, y)) / 2

    return f


def alternating(n):
    return [mpf("-1.2") if i % 2 == 0 else mpf(1) for i in range(n)]


def nodes(n):
    return [mpf(i) / (n + 1) for i in range(1, n + 1)]


# name, operands, f, a point to move around
CASES = [
    ("ackley", "n=2", ackley, [2, -1]),
    ("ackley", "n=5", ackley, [2, -1, 0, 3, 20]),
    ("bard", "", squares(bard), [1, 1, 1]),
    ("beale", "", squares(lambda x: [mpf("1.5") - x[0] * (1 - x[1]), mpf("2.25") - x[0] * (1 - x[1] ** 2),
                                     mpf("2.625") - x[0] * (1 - x[1] ** 3)]), [1, 1]),
    ("biggs_exp6", "", squares(biggs_exp6), [1, 2, 1, 1, 1, 1]),
    ("booth", "", squares(lambda x: [x[0] + 2 * x[1] - 7, 2 * x[0] + x[1] - 5]), [-3, 8]),
    ("box_3d", "", squares(box_3d(10)), [0, 10, 20]),
    ("box_3d", "m=24", squares(box_3d(24)), [0, 10, 20]),
    ("branin", "", branin, [3, 5]),
    ("brown_almost_linear", "n=10", squares(brown_almost_linear), [mpf("0.5")] * 10),
    ("brown_badly_scaled", "", squares(lambda x: [x[0] - 10**6, x[1] - mpf("2e-6"), x[0] * x[1] - 2]), [1, 1]),
    ("brown_dennis", "", squares(brown_dennis(20)), [25, 5, -5, -1]),
    ("brown_dennis", "m=7", squares(brown_dennis(7)), [25, 5, -5, -1]),
    ("broyden_banded", "n=10", squares(broyden_banded), [-1] * 10),
    ("broyden_banded", "n=7", squares(broyden_banded), [-1] * 7),
    ("broyden_tridiagonal", "n=10", squares(broyden_tridiagonal), [-1] * 10),
    ("chebyquad", "n=8", squares(chebyquad), nodes(8)),
    ("chebyquad", "n=5", squares(chebyquad), nodes(5)),
    ("discrete_boundary_value", "n=10", squares(discrete_boundary_value), [t * (t - 1) for t in nodes(10)]),
    ("discrete_integral_equation", "n=10", squares(discrete_integral_equation), [t * (t - 1) for t in nodes(10)]),
    ("dixon_price", "n=10", dixon_price, [3] * 10),
    ("extended_rosenbrock", "n=8", extended_rosenbrock, alternating(8)),
    ("freudenstein_roth", "", squares(lambda x: [-13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1],
                                                 -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]]), [mpf("0.5"), -2]),
    ("gaussian", "", squares(gaussian), [mpf("0.4"), 1, 0]),
    ("goldstein_price", "", goldstein_price, [1, mpf("0.5")]),
    ("griewank", "n=2", griewank, [3, -30]),
    ("griewank", "n=7", griewank, [3, -30, 10, 4, 5, 60, 7]),
    ("gulf", "", squares(gulf(99)), [5, mpf("2.5"), mpf("0.15")]),
    ("gulf", "m=24", squares(gulf(24)), [5, mpf("2.5"), mpf("0.15")]),
    ("helical_valley", "", squares(helical_valley), [-1, 0, 0]),
    ("helical_valley", "", squares(helical_valley), [mpf("0.3"), 2, 1]),
    ("helical_valley", "", squares(helical_valley), [mpf("-0.3"), -2, 1]),
    ("himmelblau", "", squares(lambda x: [x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7]), [1, -4]),
    ("jennrich_sampson", "", squares(jennrich_sampson(10)), [mpf("0.3"), mpf("0.4")]),
    ("jennrich_sampson", "m=5", squares(jennrich_sampson(5)), [mpf("0.3"), mpf("0.4")]),
    ("kowalik_osborne", "", squares(kowalik_osborne), data(".25 .39 .415 .39")),
    ("levy", "n=2", levy, [-7, 4]),
    ("levy", "n=5", levy, [-7, 4, 1, 9, 3]),
    ("linear_full_rank", "n=10 m=20", squares(linear_full_rank(20)), [1] * 10),
    ("linear_rank_one", "n=10 m=20", squares(linear_rank_one(20)), [1] * 10),
    ("linear_rank_one_with_zeros", "n=10 m=20", squares(linear_rank_one_with_zeros(20)), [1] * 10),
    ("matyas", "", lambda x: mpf("0.26") * (x[0] ** 2 + x[1] ** 2) - mpf("0.48") * x[0] * x[1], [-6, 5]),
    ("meyer", "", squares(meyer), [mpf("0.02"), 4000, 250]),
    ("osborne_1", "", squares(osborne_1), data(".5 1.5 -1 .01 .02")),
    ("osborne_2", "", squares(osborne_2), data("1.3 .65 .65 .7 .6 3 5 7 2 4.5 5.5")),
    ("penalty_1", "n=10", squares(penalty_1), list(range(1, 11))),
    ("penalty_2", "n=10", squares(penalty_2), [mpf("0.5")] * 10),
    ("powell_badly_scaled", "", squares(lambda x: [10**4 * x[0] * x[1] - 1,
                                                   exp(-x[0]) + exp(-x[1]) - mpf("1.0001")]), [0, 1]),
    ("powell_singular", "n=8", powell_singular, [3, -1, 0, 1] * 2),
    ("quadratic", "n=9 condition=1e4", quadratic(10**4), [0] * 9),
    ("rastrigin", "n=5", rastrigin, [3, -2, 1, 4, 0]),
    ("rosenbrock", "n=7", rosenbrock, alternating(7)),
    ("six_hump_camel", "", six_hump_camel, [2, -1]),
    ("styblinski_tang", "n=5", styblinski_tang, [4, -1, 2, 3, 0]),
    ("three_hump_camel", "", three_hump_camel, [3, -2]),
    ("trid", "n=6", trid, [3, -2, 7, 30, 4, 1]),
    ("trigonometric", "n=10", squares(trigonometric), [mpf(1) / 10] * 10),
    ("variably_dimensioned", "n=10", squares(variably_dimensioned), [1 - mpf(j) / 10 for j in range(1, 11)]),
    ("watson", "n=6", squares(watson), [0] * 6),
    ("watson", "n=12", squares(watson), [0] * 12),
    ("wood", "", wood, [-3, -1, -3, -1]),
    ("zakharov", "n=5", zakharov, [3, -2, 7, 1, 4]),
]

# name, f, an approximate minimiser
MINIMA = [
    ("bard", squares(bard), data("0.08241 1.133 2.344")),
    ("biggs_exp6 local", squares(biggs_exp6), data("1.71142 17.6832 1.16314 5.18656 1.71142 1.16314")),
    ("brown_dennis", squares(brown_dennis(20)), data("-11.59 13.2 -0.4034 0.2367")),
    ("broyden_banded", squares(broyden_banded), data("-.428 -.477 -.52 -.558 -.592 -.624 -.624 -.6 -.6 -.42")),
    ("broyden_tridiagonal", squares(broyden_tridiagonal), data("-.57 -.68 -.7 -.7 -.7 -.7 -.7 -.69 -.66 -.42")),
    ("chebyquad 8", squares(chebyquad), data(".0432 .1931 .2664 .5 .5 .7336 .8069 .9568")),
    ("discrete_boundary_value", squares(discrete_boundary_value), [t * (t - 1) * mpf("0.6") for t in nodes(10)]),
    ("freudenstein_roth local", squares(CASES[22][2].__closure__[0].cell_contents), data("11.4128 -0.896805")),
    ("gaussian", squares(gaussian), data("0.398956 1.00002 0")),
    ("himmelblau", squares(lambda x: [x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7]), data("-2.805118 3.131312")),
    ("himmelblau", squares(lambda x: [x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7]), data("-3.779310 -3.283186")),
    ("himmelblau", squares(lambda x: [x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7]), data("3.584428 -1.848126")),
    ("jennrich_sampson", squares(jennrich_sampson(10)), data("0.2578 0.2578")),
    ("kowalik_osborne", squares(kowalik_osborne), data(".19281 .19128 .12306 .13606")),
    ("meyer", squares(meyer), data("5.6096364710E-03 6.1813463463E+03 3.4522363462E+02")),
    ("osborne_1", squares(osborne_1), data(".37541 1.93584 -1.46469 .0128675 .0221227")),
    ("osborne_2", squares(osborne_2), data("1.30998 .43155 .63366 .59943 .75418 .90429 1.36581 4.82370 2.39868 4.56887 5.67534")),
    ("penalty_2 4", squares(penalty_2), data(".19999 .19135 .4801 .51882")),
    ("powell_badly_scaled", squares(lambda x: [10**4 * x[0] * x[1] - 1, exp(-x[0]) + exp(-x[1]) - mpf("1.0001")]),
     data("1.09816e-5 9.10615")),
    ("six_hump_camel", six_hump_camel, data("0.0898420 -0.712656")),
    ("six_hump_camel", six_hump_camel, data("-1.7036 0.7961")),
    ("six_hump_camel", six_hump_camel, data("1.6071 0.5687")),
    ("styblinski_tang", styblinski_tang, data("-2.903534")),
    ("styblinski_tang", styblinski_tang, data("2.746803")),
    ("three_hump_camel", three_hump_camel, data("-1.7475 0.8738")),
    ("trigonometric local", squares(trigonometric),
     data("0.0551509 0.0568408 0.0587638 0.0609906 0.0636263 0.0668432 0.208162 0.164363 0.0850068 0.0914314")),
    ("watson 6", squares(watson), data("-.015725 1.012435 -.232992 1.260430 -1.513729 .992996")),
    ("watson 9", squares(watson), data("-.000015 .999790 .014764 .146342 1.000821 -2.617731 4.104403 -3.143612 1.052627")),
]


def gradient(f, x):
    h = mpf(10) ** -20
    slopes = []
    for i in range(len(x)):
        above, below = list(x), list(x)
        above[i] += h
        below[i] -= h
        slopes.append((f(above) - f(below)) / (2 * h))
    return slopes


def product(f, x, v):
    h = mpf(10) ** -15
    above = gradient(f, [a + h * b for a, b in zip(x, v)])
    below = gradient(f, [a - h * b for a, b in zip(x, v)])
    return [(a - b) / (2 * h) for a, b in zip(above, below)]


def doubles(vector):
    return " ".join(repr(float(v)) for v in vector)


def minimiser(f, x):
    """Newton's method with halved steps on the gradient."""
    n = len(x)
    for _ in range(60):
        g = gradient(f, x)
        if max(map(abs, g)) < mpf(10) ** -30 * max(1, abs(f(x))):
            break
        columns = [product(f, x, [mpf(i == j) for i in range(n)]) for j in range(n)]
        step = lu_solve(matrix(columns), matrix([-t for t in g]))
        t = mpf(1)
        size = sum(a * a for a in g)
        while t > mpf(2) ** -30:
            trial = [a + t * b for a, b in zip(x, step)]
            if sum(a * a for a in gradient(f, trial)) < size:
                break
            t /= 2
        x = trial
    return x, max(map(abs, g))


def main():
    if sys.argv[1:] == ["minima"]:
        for name, f, x in MINIMA:
            x, g = minimiser(f, x)
            print(name, repr(float(f(x))), "at", [float(t) for t in x], "gradient", float(g), flush=True)
        return
    print("# function;operands;x;v;f(x);gradient;Hessian times v")
    for k, (name, operands, f, x) in enumerate(CASES):
        spread = [mpf(1) + mpf((i * 37 + k * 11) % 19 - 9) / 100 for i in range(len(x))]
        shift = [mpf((i * 53 + k * 7) % 23 - 11) / 200 for i in range(len(x))]
        x = [mpf(float(a * s + (b if abs(a) < 100 else 0))) for a, s, b in zip(map(mpf, x), spread, shift)]
        v = [mpf(float(mpf((i * 29 + k * 5) % 17 - 8) / 8)) * (max(1, abs(a)) if abs(a) > 100 else 1)
             for i, a in enumerate(x)]
        v = [mpf(float(t)) for t in v]
        print(name, operands, doubles(x), doubles(v), repr(float(f(x))), doubles(gradient(f, x)),
              doubles(product(f, x, v)), sep=";")


main()
