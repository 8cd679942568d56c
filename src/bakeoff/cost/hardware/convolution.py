"""One convolution layer in depth: its seven loops, what they touch, and how often each value is used again.

Letters, as in Sze et al., Efficient Processing of Deep Neural Networks, Proc. IEEE 2017 (arXiv:1703.09039), table I:
N examples, M filters, C input channels, H x W input, R x S filter, E x F output, U stride.
"""

from dataclasses import dataclass

from bakeoff.errors import CostError


@dataclass(frozen=True, kw_only=True)
class Loop:
    """One of the seven nested loops: its letter, what it goes over, and how many times."""

    letter: str
    over: str
    bound: int


@dataclass(frozen=True, kw_only=True)
class MatrixProduct:
    """The layer as one matrix product (im2col): [rows, inner] x [inner, columns], for each group."""

    rows: int
    inner: int
    columns: int
    groups: int
    unfolded_values: int
    unfolded_bytes: int
    times_the_input: float


@dataclass(frozen=True, kw_only=True)
class ConvolutionLayer:
    """A convolution: [N, C, H, W] with M filters [C/groups, R, S] gives [N, M, E, F].

    >>> first = ConvolutionLayer(batch=4, channels=3, height=227, width=227, filters=96, kernel_height=11,
    ...                          kernel_width=11, stride=4)
    >>> (first.output_height, first.output_width), first.macs
    ((55, 55), 421660800)
    """

    channels: int
    height: int
    width: int
    filters: int
    kernel_height: int
    kernel_width: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    batch: int = 1

    def __post_init__(self) -> None:
        for name in (
            "channels",
            "height",
            "width",
            "filters",
            "kernel_height",
            "kernel_width",
            "stride",
            "groups",
            "batch",
        ):
            if getattr(self, name) < 1:
                raise CostError(f"The convolution's {name} is {getattr(self, name)}: it must be at least 1.")
        if self.padding < 0:
            raise CostError(f"The convolution's padding is {self.padding}: it must be at least 0.")
        if self.channels % self.groups or self.filters % self.groups:
            raise CostError(
                f"{self.channels} channels and {self.filters} filters do not divide into {self.groups} groups."
            )
        if self.output_height < 1 or self.output_width < 1:
            raise CostError(
                f"The filter {self.kernel_height}x{self.kernel_width} exceeds the input {self.height}x{self.width}"
                f" with a padding of {self.padding}: make the filter smaller or the padding larger."
            )

    @property
    def output_height(self) -> int:
        """E = floor((H + 2 padding - R) / stride) + 1."""
        return (self.height + 2 * self.padding - self.kernel_height) // self.stride + 1

    @property
    def output_width(self) -> int:
        """F = floor((W + 2 padding - S) / stride) + 1."""
        return (self.width + 2 * self.padding - self.kernel_width) // self.stride + 1

    @property
    def channels_per_filter(self) -> int:
        return self.channels // self.groups

    @property
    def loops(self) -> tuple[Loop, ...]:
        """The seven nested loops, outermost first; their bounds multiply to the MACs."""
        return (
            Loop(letter="N", over="examples", bound=self.batch),
            Loop(letter="M", over="filters", bound=self.filters),
            Loop(letter="C", over="input channels of a filter", bound=self.channels_per_filter),
            Loop(letter="E", over="output rows", bound=self.output_height),
            Loop(letter="F", over="output columns", bound=self.output_width),
            Loop(letter="R", over="filter rows", bound=self.kernel_height),
            Loop(letter="S", over="filter columns", bound=self.kernel_width),
        )

    @property
    def macs(self) -> int:
        product = 1
        for loop in self.loops:
            product *= loop.bound
        return product

    @property
    def input_values(self) -> int:
        return self.batch * self.channels * self.height * self.width

    @property
    def filter_values(self) -> int:
        return self.filters * self.channels_per_filter * self.kernel_height * self.kernel_width

    @property
    def output_values(self) -> int:
        return self.batch * self.filters * self.output_height * self.output_width

    @property
    def parameters(self) -> int:
        """Filters and one bias each."""
        return self.filter_values + self.filters

    @property
    def input_reuse(self) -> float:
        """MACs that one input value takes part in, on average (padding takes part too, at no input's expense)."""
        return self.macs / self.input_values

    @property
    def filter_reuse(self) -> int:
        """MACs that one weight takes part in: every output place of every example."""
        return self.batch * self.output_height * self.output_width

    @property
    def output_reuse(self) -> int:
        """MACs that are summed up in one output."""
        return self.channels_per_filter * self.kernel_height * self.kernel_width

    def as_matrix_product(self, bytes_per_value: int = 4) -> MatrixProduct:
        """The layer as im2col makes it: each output place becomes a row that repeats the inputs it sees."""
        rows = self.filter_reuse
        values = rows * self.output_reuse * self.groups
        return MatrixProduct(
            rows=rows,
            inner=self.output_reuse,
            columns=self.filters // self.groups,
            groups=self.groups,
            unfolded_values=values,
            unfolded_bytes=values * bytes_per_value,
            times_the_input=values / self.input_values,
        )
