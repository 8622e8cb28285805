"""A room shows its public names and nothing else."""

import pytest

import acuevidence as ae


@pytest.mark.parametrize("room", [ae, ae.plots, ae.effects, ae.questions, ae.report])
def test_a_room_shows_its_public_names(room):
    assert dir(room) == sorted(room.__all__)
    assert all(getattr(room, name) is not None for name in room.__all__)
