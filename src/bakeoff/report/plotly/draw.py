"""The one way from a figure's record to Plotly."""

from typing import assert_never

from bakeoff.report.content.answer_figures import ConfusionFigure, ResidualFigure
from bakeoff.report.content.figures import CostFigure, CurveFigure, HorizonFigure
from bakeoff.report.content.summaries import Figure
from bakeoff.report.content.training_figures import LossFigure, ReachFigure
from bakeoff.report.plotly.answers import confusion_plot, residual_plot
from bakeoff.report.plotly.curves import cost_plot, curve_plot, horizon_plot
from bakeoff.report.plotly.parts import Plot
from bakeoff.report.plotly.training import loss_plot, reach_plot


def draw(figure: Figure) -> Plot:
    """A figure as Plotly's JSON, its colours as tokens of the palette."""
    match figure:
        case CurveFigure():
            return curve_plot(figure)
        case CostFigure():
            return cost_plot(figure)
        case HorizonFigure():
            return horizon_plot(figure)
        case ConfusionFigure():
            return confusion_plot(figure)
        case ResidualFigure():
            return residual_plot(figure)
        case LossFigure():
            return loss_plot(figure)
        case ReachFigure():
            return reach_plot(figure)
        case _:
            assert_never(figure)
