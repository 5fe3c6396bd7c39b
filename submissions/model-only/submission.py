# Only got as far as the model (2.1 and 2.2), sorry!

import torch
import torch.nn as nn


class HandwritingCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_layer = nn.Conv2d(1, 10, kernel_size=8, stride=2)
        self.activation = nn.ReLU()
        self.dense_layer = nn.Linear(11 * 11 * 10, 10)

    def forward(self, x):
        stack = x.reshape(-1, 1, 28, 28)
        z_1 = self.conv_layer(stack)
        v_1 = self.activation(z_1)
        u_2 = v_1.reshape(-1, 11 * 11 * 10)
        return self.dense_layer(u_2)


# try it with a picture of nothing but noise
print(HandwritingCNN()(torch.rand(784)).shape)
