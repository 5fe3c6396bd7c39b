from torch import nn

from settings import KERNEL, KERNELS, SIDE, STRIDE


class DigitNet(nn.Module):
    def __init__(self):
        super().__init__()
        out_side = (SIDE - KERNEL) // STRIDE + 1
        self.conv = nn.Conv2d(1, KERNELS, KERNEL, STRIDE)
        self.relu = nn.ReLU()
        self.flatten = nn.Flatten()
        self.dense = nn.Linear(KERNELS * out_side**2, 10)

    def forward(self, x):
        z_1 = self.conv(x.view(-1, 1, SIDE, SIDE))
        v_1 = self.relu(z_1)
        return self.dense(self.flatten(v_1)), z_1, v_1
