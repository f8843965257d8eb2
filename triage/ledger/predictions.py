"""Predictions as they stood when the case was read."""

from __future__ import annotations

from sqlalchemy.orm import Session

from triage.ledger.tables import CaseRow, PredictionRow
from triage.prediction import Prediction


def newest_predictions(case: CaseRow) -> dict[str, PredictionRow]:
    """Target to the latest prediction."""
    return {prediction.target: prediction for prediction in case.predictions}


def add_prediction(case: CaseRow, prediction: Prediction, *, session: Session) -> PredictionRow:
    """Append one prediction; every label keeps its probability."""
    row = PredictionRow(
        case_id=case.id,
        target=prediction.target,
        model_version=prediction.model_version,
        ranked=[[label, round(p, 6)] for label, p in prediction.ranked],
        evidence=prediction.evidence.to_dict(),
        auto=prediction.auto,
        reason=prediction.reason,
    )
    session.add(row)
    return row
